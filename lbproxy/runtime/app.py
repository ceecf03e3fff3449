"""Wires sources, table, dataplane, health checks and admin server, and runs them in four phases to a clean end.

| phase | what happens                                                                                               |
|-------|------------------------------------------------------------------------------------------------------------|
| start | the admin server listens; it answers "not ready" until the first snapshot is applied                       |
| serve | configuration and resolvers publish, the merger joins what they say, the controller applies it, and each   |
|       | applied snapshot tells the health checks what to check. After SIGTERM clients are accepted for a while     |
|       | longer, while readiness fails, so that traffic stops arriving                                              |
| drain | publishing and checks have ended; the dataplane accepts no more clients, and connections may end           |
| stop  | the dataplane closes: what is left is reset, and its number is logged                                      |

The admin server runs through all phases, so that a drain can be watched.
"""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import NoReturn

import structlog
import uvloop
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.api.operator_api import ControllerOperator
from lbproxy.admin.api.program_status import ControllerStatus
from lbproxy.admin.guard import AdminMetrics, Guard, TokenError, TokenFile
from lbproxy.admin.server import serve
from lbproxy.config import Config
from lbproxy.config.warnings import ignored_weights
from lbproxy.control.controller import Controller
from lbproxy.control.health import Health
from lbproxy.control.metrics import HealthMetrics, SyncMetrics
from lbproxy.dataplanes.catalog import AUTO, Dataplanes
from lbproxy.dataplanes.kind import DataplaneReports
from lbproxy.dataplanes.selection import DataplaneSelection, select_dataplane
from lbproxy.model.errors import BindError, ConfigError, LbproxyError
from lbproxy.model.event_log import EventLog
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.net.limits import raise_descriptor_limit
from lbproxy.net.system import System
from lbproxy.runtime import logs
from lbproxy.runtime.log_writer import LogWriter
from lbproxy.runtime.metrics import ConfigMetrics, LogMetrics, TaskMetrics, show_dataplane
from lbproxy.runtime.orphans import reap_orphans
from lbproxy.runtime.resolvers import make_resolvers
from lbproxy.runtime.shutdown import Shutdown
from lbproxy.sources.base import Resolver
from lbproxy.sources.configured import ConfiguredSource
from lbproxy.sources.merger import Merger
from lbproxy.tasks import Restarter

# Reference counting frees almost everything; only cycles wait for the collector.
FULL_COLLECTION_AFTER = 100
"""Young collections of garbage until a full one. A full one stops the loop for 45 ms with 10,000 backends. By default
every 75th change of an endpoint would cause one, with this fewer than one change in 1,000 does."""

LOG_TIMEOUT = 1.0
"""Seconds at the end for what still waits to be logged: a reader that is stuck must not hold up the end."""
STDERR = 2

log = structlog.get_logger()

FIXED_AT_START = ("dataplane", "workers", "admin", "admin_token_file", "admin_hosts", "shutdown_delay",
                  "log_level", "log_format", "kubeconfig", "context", "zone", "coalesce", "dns_interval", "dns_server",
                  "ipvs_fwmark", "cleanup")
"""Options that are read at the start only. If one changes in the file, the log says that it needs a restart."""


class App:
    """One running lbproxy. It owns the dataplane. Its own metrics join those that `registry` has already."""

    def __init__(self, config: Config, reload: Callable[[], Config],  # noqa: PLR0913, PLR0917 - all that is wired
                 choice: DataplaneSelection, event_log: EventLog, registry: CollectorRegistry,
                 resolvers: Iterable[Resolver], shutdown: Shutdown, restarter: Restarter) -> None:
        self._config, self._choice, self._shutdown, self._restarter = config, choice, shutdown, restarter
        self._drain_timeout = config.drain_timeout
        self._is_serving = False
        self._config_metrics = ConfigMetrics(registry)
        self._health_metrics = HealthMetrics(registry)
        self._dataplane, workers, choices = choice.active.kind.make(
            config, DataplaneReports(self._on_failing, self._on_drift, restarter))
        self._controller = Controller(self._dataplane, SyncMetrics(registry), self._on_applied)
        self._source = ConfiguredSource(config, lambda: choice.check(reload()), self._on_reload)
        self._merger = Merger(resolvers, coalesce=config.coalesce, restarter=restarter)
        self._health: Health | None = None
        self._status = ControllerStatus(self._controller, self._dataplane, workers, self._shutdown.is_requested,
                                        self._merger.waits_for, choice.name, lambda: self._source.refusal)
        show_dataplane(registry, choice.requested, choice.name, choice.reason)
        for collector in (ProcessCollector, PlatformCollector):
            collector(registry=registry)
        operator = ControllerOperator(self._controller, choices,
                                      lambda: self._health.results if self._health else {},
                                      self._merger.facts)
        self._admin_context = AdminContext(self._status, registry, operator, event_log,
                                           _guard(config, AdminMetrics(registry)))

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain and stop; a second signal ends every wait at once.

        Raises `BindError`, within an exception group, if an address of the first snapshot can't be bound. Any other
        exception is a bug; the dataplane is left as it is then, so that its connections can go on.
        """
        self._shutdown.on_hangup = self._source.reread
        async with AsyncExitStack() as stack:
            try:
                await self._start(stack)
                await self._serve()
            except (LbproxyError, ExceptionGroup) as error:
                if known_failure(error):
                    await self._dataplane.close()
                raise
            await self._drain()
            await self._stop()

    async def _start(self, stack: AsyncExitStack) -> None:
        if self._config.admin:
            await stack.enter_async_context(serve(self._config.admin, self._admin_context))

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._health = Health(group, self._controller.report, self._health_metrics.count,
                                  self._health_metrics.stretch.set, self._restarter)
            works: dict[str, Callable[[], Awaitable[None]]] = {
                "controller": self._controller.run,
                "configuration": partial(self._source.run, self._merger.take),
                "merger": partial(self._merger.run, self._controller.publish),
                **({"orphans": reap_orphans} if os.getpid() == 1 else {}),
            }
            tasks = [group.create_task(self._restarter.run(name, work, fatal=BindError), name=name)
                     for name, work in works.items()]
            await self._shutdown.wait()
            log.info("stopping", delay_seconds=self._shutdown.delay)
            await self._shutdown.unless_at_once(asyncio.sleep(self._shutdown.delay))
            # The checks are tasks of this group too, and would keep it from ending.
            self._health.close()
            for task in tasks:
                task.cancel()

    async def _drain(self) -> None:
        await self._shutdown.unless_at_once(self._dataplane.drain(self._drain_timeout))

    async def _stop(self) -> None:
        await self._dataplane.close()
        counted = self._dataplane.stats().services.values()
        log.info("stopped", connections_reset=sum(service.closed.get("shutdown", 0) for service in counted))

    # What the parts report to each other. The first two are methods because the dataplane is made before the
    # controller that they need.

    def _on_failing(self, key: BackendKey) -> None:
        self._controller.eject(key)

    def _on_drift(self, trouble: str) -> None:
        self._controller.note_drift(trouble)

    def _on_applied(self, snapshot: Snapshot) -> None:
        if self._health is not None:
            self._health.watch(snapshot)
        if not self._is_serving:
            self._is_serving = True
            self._log_serving(snapshot)

    def _log_serving(self, snapshot: Snapshot) -> None:
        listens = [str(address) for service in snapshot.services.values() for address in service.listens]
        has_workers = "workers" in self._choice.active.kind.own_options
        processes = {"workers": self._config.workers} if has_workers else {}
        log.info("serving", listen=listens, dataplane=self._choice.name, **processes,
                 admin=",".join(map(str, self._config.admin)) or "off")

    def _on_reload(self, config: Config | None) -> None:
        self._config_metrics.count(is_success=config is not None)
        if config is not None:
            self._drain_timeout = config.drain_timeout
            needs_restart = [name.replace("_", "-") for name in FIXED_AT_START
                             if getattr(config, name) != getattr(self._config, name)]
            log.info("configuration read", **({"needs_restart": needs_restart} if needs_restart else {}))
            log_ignored_weights(config)


def run(config: Config, reload: Callable[[], Config], dataplanes: Dataplanes) -> NoReturn:
    """Run until a signal ends it, and end the process: with 0, or with 1 after a bug.

    `dataplanes` are those to choose from. Raises `BindError` if an address can't be had, and `ConfigError` if the
    dataplane that was asked for won't work here.
    """
    event_log, registry = EventLog(), CollectorRegistry()
    writer = LogWriter(STDERR, LogMetrics(registry).count_dropped)
    logs.configure(config.log_level, config.log_format, event_log, writer.write)
    logs.take_from_libraries()
    raise_descriptor_limit()
    gc.freeze()  # modules and configuration live as long as the process: no collection need look at them
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_AFTER)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_run(config, reload, dataplanes, event_log, registry))
            # Within the block: its end, and the interpreter's, wait for threads, which may hang in a file system. After
            # a bug the loop's end would kill the workers.
            writer.flush(LOG_TIMEOUT)
            os._exit(code)
    finally:
        writer.flush(LOG_TIMEOUT)


async def _run(config: Config, reload: Callable[[], Config], dataplanes: Dataplanes, event_log: EventLog,
               registry: CollectorRegistry) -> int:
    shutdown = Shutdown(config.shutdown_delay)
    shutdown.follow_signals()
    apps: list[App] = []

    async def make() -> None:
        apps.append(await _make(config, reload, dataplanes, event_log, registry, shutdown))

    try:
        await shutdown.unless_requested(make())
        if apps and not shutdown.is_requested():
            await apps[0].run()
    except Exception as error:
        # Task groups wrap what their tasks raise. Not `except*`: before 3.11.4 what it raises is wrapped again
        # (cpython#103590).
        if (failure := known_failure(error)) is not None:
            raise failure from None
        log.exception("ended by a bug, workers go on until their connections have ended", error=repr(error))
        return 1
    return 0


async def _make(config: Config, reload: Callable[[], Config], dataplanes: Dataplanes,  # noqa: PLR0913, PLR0917 - as App
                event_log: EventLog, registry: CollectorRegistry, shutdown: Shutdown) -> App:
    log_ignored_weights(config)
    choice = await select_dataplane(dataplanes, config, System())
    choice.refuse_fatal()
    if choice.requested == AUTO:
        log.info("dataplane chosen", dataplane=choice.name, reason=choice.reason)
    tasks = TaskMetrics(registry)
    restarter = Restarter(tasks.count, tasks.show)
    resolvers = await make_resolvers(config, registry, restarter)
    return App(config, reload, choice, event_log, registry, resolvers, shutdown, restarter)


def log_ignored_weights(config: Config) -> None:
    """Warn of each service whose weights its scheduler ignores."""
    for found in ignored_weights(config):
        log.warning("the scheduler ignores the weights of the backends", service=found.service,
                    scheduler=found.scheduler.value, weights=[*found.weights], write=found.instead.value)


def _guard(config: Config, metrics: AdminMetrics) -> Guard:
    """Make the guard. Raises `ConfigError` if the token file can't be used.

    Only at the start that is a mistake. Later orders are refused, because the file may just be being replaced.
    """
    token = TokenFile(Path(config.admin_token_file)) if config.admin_token_file else None
    if token is not None:
        try:
            token.read()
        except TokenError as error:
            raise ConfigError(f"--admin-token-file: {error}") from None
        if token.is_world_readable():
            log.warning("every user of this machine can read the admin token", file=config.admin_token_file)
    hosts = frozenset(filter(None, config.admin_hosts.lower().split(",")))
    return Guard(token, hosts, metrics.count_refusal)


def known_failure(error: Exception) -> LbproxyError | None:
    """Give the first error that was raised on purpose; None if there is another one beside it, which is a bug."""
    if not isinstance(error, ExceptionGroup):
        return error if isinstance(error, LbproxyError) else None
    found = [known_failure(one) for one in error.exceptions]
    return None if None in found else found[0]
