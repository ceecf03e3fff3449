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
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
import uvloop
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.api.operator_api import ControllerOperator
from lbproxy.admin.api.program_status import ControllerStatus
from lbproxy.admin.guard import AdminMetrics, Guard, TokenError, TokenFile
from lbproxy.admin.metrics import TableCollector
from lbproxy.admin.server import serve
from lbproxy.config import Config
from lbproxy.control.controller import Controller
from lbproxy.control.health import Health
from lbproxy.control.metrics import HealthMetrics, SyncMetrics
from lbproxy.dataplanes.catalog import AUTO, Dataplanes
from lbproxy.dataplanes.kind import DataplaneReports
from lbproxy.dataplanes.selection import DataplaneSelection, select_dataplane
from lbproxy.model.errors import ConfigError, LbproxyError
from lbproxy.model.event_log import EventLog
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.net.limits import raise_descriptor_limit
from lbproxy.net.system import System
from lbproxy.runtime import logs
from lbproxy.runtime.metrics import ConfigMetrics, show_dataplane
from lbproxy.runtime.resolvers import make_resolvers
from lbproxy.runtime.shutdown import Shutdown
from lbproxy.sources.base import Resolver
from lbproxy.sources.configured import ConfiguredSource
from lbproxy.sources.merger import Merger

# Reference counting frees almost everything; only cycles wait for the collector.
FULL_COLLECTION_AFTER = 100
"""Young collections of garbage until a full one. A full one stops the loop for 45 ms with 10,000 backends. By default
every 75th change of an endpoint would cause one, with this fewer than one change in 1,000 does."""

log = structlog.get_logger()

FIXED_AT_START = ("dataplane", "workers", "admin", "admin_token_file", "admin_hosts", "shutdown_delay",
                  "log_level", "log_format", "kubeconfig", "context", "zone", "coalesce", "dns_interval", "dns_server",
                  "ipvs_fwmark", "cleanup")
"""Options that are read at the start only. If one changes in the file, the log says that it needs a restart."""


class App:
    """One running lbproxy. It owns the dataplane. Its own metrics join those that `registry` has already."""

    def __init__(self, config: Config, reload: Callable[[], Config],  # noqa: PLR0913, PLR0917 - all that is wired
                 choice: DataplaneSelection, event_log: EventLog, registry: CollectorRegistry,
                 resolvers: Iterable[Resolver]) -> None:
        self._config, self._choice = config, choice
        self._shutdown = Shutdown(config.shutdown_delay)
        self._drain_timeout = config.drain_timeout
        self._is_serving = False
        self._config_metrics = ConfigMetrics(registry)
        self._health_metrics = HealthMetrics(registry)
        self._dataplane, workers, choices = choice.active.kind.make(
            config, DataplaneReports(self._on_failing, self._on_drift))
        self._controller = Controller(self._dataplane, SyncMetrics(registry), self._on_applied)
        self._source = ConfiguredSource(config, lambda: choice.check(reload()), self._on_reload)
        self._merger = Merger(resolvers, coalesce=config.coalesce)
        self._health: Health | None = None
        self._status = ControllerStatus(self._controller, self._dataplane, workers, self._shutdown.is_requested,
                                        self._merger.waits_for, choice.name, lambda: self._source.refusal)
        show_dataplane(registry, choice.requested, choice.name, choice.reason)
        for collector in (ProcessCollector, PlatformCollector):
            collector(registry=registry)
        registry.register(TableCollector(self._status))
        operator = ControllerOperator(self._controller, choices,
                                      lambda: self._health.results if self._health else {},
                                      self._merger.facts)
        self._admin_context = AdminContext(self._status, registry, operator, event_log,
                                           _guard(config, AdminMetrics(registry)))

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain and stop; a second signal ends every wait at once.

        Raises `BindError`, within an exception group, if an address of the first snapshot can't be bound.
        """
        self._shutdown.follow_signals(self._source.reread)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._dataplane.close)  # also if a phase fails
            await self._start(stack)
            await self._serve()
            await self._drain()
            await self._stop()

    async def _start(self, stack: AsyncExitStack) -> None:
        if self._config.admin:
            await stack.enter_async_context(serve(self._config.admin, self._admin_context))

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._health = Health(group, self._controller.report, self._health_metrics.count,
                                  self._health_metrics.stretch.set)
            tasks = [group.create_task(self._controller.run(), name="controller"),
                     group.create_task(self._source.run(self._merger.take), name="configuration"),
                     group.create_task(self._merger.run(self._controller.publish), name="merger")]
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


def run(config: Config, reload: Callable[[], Config], dataplanes: Dataplanes) -> int:
    """Run until a signal ends it; return the exit code.

    `dataplanes` are those to choose from. Raises `BindError` if an address can't be had, and `ConfigError` if the
    dataplane that was asked for won't work here.
    """
    event_log = EventLog()
    logs.configure(config.log_level, config.log_format, event_log)
    raise_descriptor_limit()
    gc.freeze()  # modules and configuration live as long as the process: no collection need look at them
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_AFTER)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config, reload, dataplanes, event_log))
    return 0


async def _run(config: Config, reload: Callable[[], Config], dataplanes: Dataplanes, event_log: EventLog) -> None:
    choice = await select_dataplane(dataplanes, config, System())
    choice.refuse_fatal()
    if choice.requested == AUTO:
        log.info("dataplane chosen", dataplane=choice.name, reason=choice.reason)
    registry = CollectorRegistry()
    resolvers = await make_resolvers(config, registry)
    try:
        await App(config, reload, choice, event_log, registry, resolvers).run()
    # Task groups wrap what their tasks raise; the command line shows one line.
    except ExceptionGroup as group:  # not `except*`: before 3.11.4 what it raises is wrapped again (cpython#103590)
        known, bugs = group.split(LbproxyError)
        if known is None or bugs is not None:
            raise
        raise _first(known) from None


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


def _first(group: BaseExceptionGroup[LbproxyError]) -> LbproxyError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
