"""Wires a source, the table, a dataplane, health checks and the admin server, and runs them to a clean end."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
import uvloop
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from lbproxy import logs
from lbproxy.admin.collector import TableCollector
from lbproxy.admin.server import serve
from lbproxy.carrier import carrier, this_machine
from lbproxy.choice import Choice, choose
from lbproxy.config import Config
from lbproxy.config.options import DataplaneName
from lbproxy.controller import Controller
from lbproxy.errors import LbproxyError
from lbproxy.health import Health
from lbproxy.limits import raise_descriptor_limit
from lbproxy.metrics import ConfigMetrics, HealthMetrics, SyncMetrics, WatchMetrics, show_dataplane
from lbproxy.model import BackendKey, Snapshot
from lbproxy.sources.configured import ConfiguredSource
from lbproxy.sources.kubernetes.connection import Connection
from lbproxy.sources.kubernetes.source import KubernetesSource
from lbproxy.status import Status

FULL_COLLECTION_AFTER = 100
"""Collections of young garbage until one of all, which holds the loop up for 45 ms with 10,000 backends: by default it
would come with every 75th change of an endpoint, with this with fewer than one in 1,000."""

log = structlog.get_logger()

FIXED_AT_START = ("dataplane", "workers", "admin", "shutdown_delay", "log_level", "log_format",
                  "kubeconfig", "context", "zone", "coalesce", "ipvs_fwmark", "cleanup")
"""Options whose change in the file takes effect only at the next start; the log says so."""


class App:
    """One running lbproxy."""

    def __init__(self, config: Config, reload: Callable[[], Config], choice: Choice) -> None:
        registry = CollectorRegistry()
        self._config, self._choice = config, choice
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._delay = 0.0
        self._drain_timeout = config.drain_timeout
        self._is_serving = False
        self._config_metrics = ConfigMetrics(registry)
        self._health_metrics = HealthMetrics(registry)
        self._dataplane, workers = carrier(choice.active, config, self._on_failing, self._on_drift)
        self._controller = Controller(self._dataplane, SyncMetrics(registry), self._on_applied)
        self._source = ConfiguredSource(config, lambda: choice.check(reload()), self._on_reload)
        self._kubernetes = KubernetesSource(self._connect, WatchMetrics(registry),
                                            zone=config.zone, coalesce=config.coalesce)
        self._health: Health | None = None
        self._status = Status(self._controller, self._dataplane, workers, self._stopping.is_set,
                              self._kubernetes.waits_for)
        show_dataplane(registry, choice.requested, choice.active, choice.reason)
        for collector in (ProcessCollector, PlatformCollector):
            collector(registry=registry)
        registry.register(TableCollector(self._status))
        self._registry = registry

    async def run(self) -> None:
        """Serve until SIGTERM (or SIGINT, which skips the delay), then drain; a second signal ends at once."""
        self._follow_signals()
        if any(service.kubernetes for service in self._config.services):
            await self._kubernetes.connect()  # credentials that can't be read are a mistake, now: later they may come
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._dataplane.close)
            if self._config.admin:
                await stack.enter_async_context(serve(self._config.admin, self._status, self._registry))
            await self._serve()
            await self._in_time(self._dataplane.drain(self._drain_timeout))
            await self._dataplane.close()
            counted = self._dataplane.stats().services.values()
            log.info("stopped", connections_reset=sum(service.closed.get("shutdown", 0) for service in counted))

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._health = Health(group, self._controller.report, self._health_metrics.count,
                                  self._health_metrics.stretch.set)
            tasks = [group.create_task(self._controller.run(), name="controller"),
                     group.create_task(self._source.run(self._kubernetes.take), name="source"),
                     group.create_task(self._kubernetes.run(self._controller.publish), name="kubernetes")]
            await self._stopping.wait()
            log.info("stopping", delay_seconds=self._delay)
            await self._in_time(asyncio.sleep(self._delay))
            self._health.close()
            for task in tasks:
                task.cancel()

    def _on_drift(self, trouble: str) -> None:
        self._controller.note_drift(trouble)

    async def _connect(self) -> Connection:
        from lbproxy.sources.kubernetes.api import Api  # noqa: PLC0415 - half a second, which only some need
        from lbproxy.sources.kubernetes.credentials import loader  # noqa: PLC0415 - as above

        kubeconfig = Path(self._config.kubeconfig) if self._config.kubeconfig else None
        return await Api.connect(loader(kubeconfig, self._config.context or None))

    async def _in_time(self, work: Coroutine[None, None, None]) -> None:
        """Do it, unless somebody is in a hurry."""
        working, hurrying = asyncio.ensure_future(work), asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({working, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        if working.done():
            working.result()
        else:
            working.cancel()

    def _follow_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._source.reread)

    def _on_stop(self, number: signal.Signals) -> None:
        if self._stopping.is_set():
            self._hurry.set()
        elif number == signal.SIGTERM:
            self._delay = self._config.shutdown_delay
        self._stopping.set()

    def _on_failing(self, key: BackendKey) -> None:
        self._controller.eject(key)

    def _on_applied(self, snapshot: Snapshot) -> None:
        if self._health is not None:
            self._health.watch(snapshot)
        if not self._is_serving:
            self._is_serving = True
            listens = [str(address) for service in snapshot.services.values() for address in service.listens]
            processes = {"workers": self._config.workers} if self._choice.active is DataplaneName.USERSPACE else {}
            log.info("serving", listen=listens, dataplane=self._choice.active.value, **processes,
                     admin=str(self._config.admin or "off"))

    def _on_reload(self, config: Config | None) -> None:
        self._config_metrics.count(is_success=config is not None)
        if config is not None:
            self._drain_timeout = config.drain_timeout
            needs_restart = [name.replace("_", "-") for name in FIXED_AT_START
                             if getattr(config, name) != getattr(self._config, name)]
            log.info("configuration read", **({"needs_restart": needs_restart} if needs_restart else {}))


def run(config: Config, reload: Callable[[], Config]) -> int:
    """Run until a signal ends it; return the exit code. Raises `BindError` if an address can't be had."""
    logs.configure(config.log_level, config.log_format)
    raise_descriptor_limit()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_AFTER)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config, reload))
    return 0


async def _run(config: Config, reload: Callable[[], Config]) -> None:
    choice = await choose(config, this_machine)
    if choice.requested is DataplaneName.AUTO:
        log.info("dataplane chosen", dataplane=choice.active.value, reason=choice.reason)
    try:
        await App(config, reload, choice).run()
    except* LbproxyError as group:
        raise _first(group) from None


def _first(group: BaseExceptionGroup[LbproxyError]) -> LbproxyError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
