"""The IPVS dataplane: the kernel carries the connections, also while no lbproxy runs.

Every second a pass reads the counters and repairs what is not as it should be. After a crash, and after an end without
`is_cleaning`, traffic goes on as it was last arranged; the next lbproxy finds it by its record and cuts nobody.
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

POLL_INTERVAL = 1.0
"""Seconds between two passes."""
DRAIN_POLL = 0.2
"""Seconds between two looks whether the last connection has ended."""
REST = 19.0
"""Times the length of a pass that must lie between two: a huge table takes at most a twentieth of the main loop."""

log = structlog.get_logger()


class IpvsDataplane:
    """Keeps IPVS as the latest snapshot says. `on_drift` is told why it can't be kept so, and '' when it is again.

    `is_cleaning`: `drain` and `close` remove what was made; else they leave it to whoever comes next.
    """

    def __init__(self, machine: Machine, marks: MarkRange | None = None, *, is_cleaning: bool,
                 on_drift: Callable[[str], None] = lambda _: None) -> None:
        self._reconciler = Reconciler(machine, marks)
        self._is_cleaning, self._on_drift = is_cleaning, on_drift
        self._turn = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._is_closed = False
        self._ending = asyncio.Event()

    async def apply(self, snapshot: Snapshot) -> None:
        """Make the snapshot true; see `Dataplane.apply`.

        Where the kernel has refused a step, others are done: the passes that follow go on from there.
        """
        async with self._turn:
            try:
                await self._reconciler.bring(snapshot)
            finally:
                if self._keeper is None and self._reconciler.snapshot is snapshot:
                    self._keeper = asyncio.create_task(self._keep(), name="ipvs")

    async def drain(self, timeout: float) -> None:
        """Take no more clients, and wait for the last connection or `timeout` seconds; then remove everything.

        Without `is_cleaning` there is nothing to wait for: the kernel goes on.
        """
        if self._is_cleaning and self._keeper is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._run_dry()
        await self.close()

    def stats(self) -> Stats:
        """Give what the last pass has read, at most some seconds ago."""
        return self._reconciler.ledger.published

    async def close(self) -> None:
        """End at once; remove everything if that was asked for, and cut whatever connections there are."""
        self._ending.set()
        async with self._turn:
            if self._is_closed:
                return
            self._is_closed = True
            if self._keeper is not None:
                await self._leave()
            await self._reconciler.close()
        if self._keeper is not None:
            await self._keeper  # it ends by itself, or has died of a mistake of ours

    async def _leave(self) -> None:
        if self._is_cleaning:
            try:
                await self._reconciler.clear()
            except DataplaneError as error:
                log.error("not everything was removed from the kernel", error=str(error))
        else:
            log.info("IPVS goes on without us; start lbproxy again to take it over, with cleanup to end it")

    async def _run_dry(self) -> None:
        async with self._turn:
            closed = {name: _closed(service) for name, service in self._reconciler.snapshot.services.items()}
            with suppress(DataplaneError):  # the passes that follow try again
                await self._reconciler.bring(Snapshot(self._reconciler.snapshot.version + 1, closed))
        while not self._is_dry() and not self._ending.is_set():
            started = monotonic()
            await self._pass()
            await self._rest(DRAIN_POLL, started)

    def _is_dry(self) -> bool:
        return all(one.active == 0 and one.is_settled for one in self.stats().backends.values())

    async def _keep(self) -> None:
        trouble = ""
        while not self._ending.is_set():
            started = monotonic()
            news = await self._pass()
            if news != trouble:
                trouble = news
                self._on_drift(trouble)
            await self._rest(POLL_INTERVAL, started)

    async def _rest(self, interval: float, started: float) -> None:
        """Wait for the next pass after the one that began at `started`, or until it ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(interval, REST * (monotonic() - started))):
                await self._ending.wait()

    async def _pass(self) -> str:
        """Bring the kernel back to where it should be; return why that can't be done, if so."""
        async with self._turn:
            if self._is_closed:
                return ""
            try:
                await self._reconciler.bring(self._reconciler.snapshot)
            except DataplaneError as error:
                return str(error)
        return ""


def _closed(service: Service) -> Service:
    """As it is, but nobody gets new connections."""
    backends = tuple(replace(backend, is_open=False) for backend in service.backends)
    return replace(service, backends=backends, is_known=True)  # whom we don't know yet is closed too
