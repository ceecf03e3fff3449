"""The IPVS dataplane: the kernel carries the connections, also while no lbproxy runs.

Every second a pass reads the counters and repairs what is not as it should be. After a crash, and after an end without
`is_cleaning`, traffic goes on as it was last arranged; the next lbproxy finds its own by the record, and cuts no
connection.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic

import structlog

from lbproxy.dataplanes.ipvs.planning.marks import MarkRange
from lbproxy.dataplanes.ipvs.reconciler import Machine, Reconciler
from lbproxy.model.errors import DataplaneError
from lbproxy.model.snapshot import Service, Snapshot
from lbproxy.model.stats import Stats
from lbproxy.tasks import Restarter

POLL_INTERVAL = 1.0
"""Seconds between two passes. kube-proxy looks each minute whether a backend has drained; it shows in rolling
updates."""
DRAIN_POLL = 0.2
"""Seconds between two looks whether the last connection has ended."""
PAUSE_FACTOR = 19.0
"""The pause between two passes is at least so many times the length of a pass: a huge table takes at most a twentieth
of the main loop's time."""

log = structlog.get_logger()


class IpvsDataplane:
    """Keeps IPVS as the latest snapshot says. Implements `Dataplane`; owns `machine` and closes it.

    `marks`: go by fwmark with marks of this range; None: by address. `is_cleaning`: `drain` and `close` remove what was
    made; otherwise it stays for the next lbproxy. `on_drift` is told why the kernel can't be kept as applied, and ""
    when it is again.
    """

    def __init__(self, machine: Machine, marks: MarkRange | None = None, *, is_cleaning: bool,
                 on_drift: Callable[[str], None] = lambda _: None, restarter: Restarter | None = None) -> None:
        self._restarter = restarter or Restarter()
        self._reconciler = Reconciler(machine, marks)
        self._is_cleaning, self._on_drift = is_cleaning, on_drift
        self._pass_lock = asyncio.Lock()
        """Held during a pass, as the reconciler and the netlink sockets serve one at a time."""
        self._polling: asyncio.Task[None] | None = None
        self._is_closed = False
        self._stopping = asyncio.Event()

    async def apply(self, snapshot: Snapshot) -> None:
        """Make the snapshot true; see `Dataplane.apply`. Raises `BindError` before anything was changed.

        Where the kernel has refused a step, the other steps are done, and the passes that follow try again.
        """
        async with self._pass_lock:
            try:
                await self._reconciler.reconcile(snapshot)
            finally:
                # After a `BindError` at the start nothing was made: the snapshot is not set, and there is nothing to
                # repair.
                if self._polling is None and self._reconciler.snapshot is snapshot:
                    self._polling = asyncio.create_task(self._restarter.run("ipvs", self._poll), name="ipvs")

    async def drain(self, timeout: float) -> None:
        """Take no more connections, wait until the last has ended or `timeout` seconds, then remove everything.

        Without `is_cleaning` there is nothing to wait for: the kernel goes on.
        """
        # Before the first pass nothing was made, so nothing can be waited for.
        if self._is_cleaning and self._polling is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._wait_for_connections()
        await self.close()

    def stats(self) -> Stats:
        """Give what the last pass has read: as old as the pause between two passes."""
        return self._reconciler.counters.published

    async def close(self) -> None:
        """End at once. With `is_cleaning`, remove everything and cut the connections that are left. May be repeated."""
        # Before the lock is taken: a pass that is under way ends, and no further one begins.
        self._stopping.set()
        async with self._pass_lock:
            if self._is_closed:
                return
            self._is_closed = True
            if self._polling is not None:
                await self._remove_or_leave()
            await self._reconciler.close()
        if self._polling is not None:
            await self._polling  # has seen `_stopping`, or failed by a programming error, which is raised here

    async def _remove_or_leave(self) -> None:
        if self._is_cleaning:
            try:
                await self._reconciler.remove_all()
            except DataplaneError as error:
                log.error("IPVS entries left behind", error=str(error))
        else:
            log.info("IPVS keeps serving", hint="start lbproxy again to take over, or once with cleanup to end it")

    async def _wait_for_connections(self) -> None:
        async with self._pass_lock:
            services = {name: _without_new_connections(service)
                        for name, service in self._reconciler.snapshot.services.items()}
            with suppress(DataplaneError):  # the passes that follow try again
                await self._reconciler.reconcile(Snapshot(self._reconciler.snapshot.version + 1, services))
        while not self._is_drained() and not self._stopping.is_set():
            started = monotonic()
            await self._pass()
            await self._pause(DRAIN_POLL, started)

    def _is_drained(self) -> bool:
        return all(one.active == 0 and one.is_settled for one in self.stats().backends.values())

    async def _poll(self) -> None:
        # Told only when it changes: a pass each second would report the same trouble each second.
        trouble = ""
        while not self._stopping.is_set():
            started = monotonic()
            trouble_now = await self._pass()
            if trouble_now != trouble:
                trouble = trouble_now
                self._on_drift(trouble)
            await self._pause(POLL_INTERVAL, started)

    async def _pause(self, interval: float, started: float) -> None:
        """Wait for the next pass after the one that began at `started`, or until the dataplane is closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(interval, PAUSE_FACTOR * (monotonic() - started))):
                await self._stopping.wait()

    async def _pass(self) -> str:
        """Bring the kernel back to where it should be; give why that failed, or ""."""
        async with self._pass_lock:
            if self._is_closed:
                return ""
            try:
                await self._reconciler.reconcile(self._reconciler.snapshot)
            except DataplaneError as error:
                return str(error)
        return ""


def _without_new_connections(service: Service) -> Service:
    # learned or not: what an earlier process made must take no new connections either
    backends = tuple(replace(backend, is_open=False) for backend in service.backends)
    return replace(service, backends=backends, is_known=True)
