"""A dataplane that carries nothing, remembers everything, and fails when it is told to."""

import asyncio
from collections import deque
from collections.abc import Callable

from lbproxy.model.address import Address
from lbproxy.model.errors import BindError, DataplaneError
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.model.stats import BackendStats, Stats
from tests.support.patience import PATIENCE


class FakeDataplane:
    """It is as the last snapshot that it took says; `attempts` are all that it was asked for."""

    def __init__(self) -> None:
        self.attempts: list[Snapshot] = []
        self.applied = [Snapshot(0, {})]
        self.failures: deque[DataplaneError] = deque()
        """Raised by the next calls of `apply`, one each."""
        self.taken: set[Address] = set()
        """Addresses that somebody else listens on."""
        self.connections: dict[BackendKey, int] = {}
        self.unsettled: set[BackendKey] = set()
        """Backends whose connections may not all be counted yet."""
        self.reads = 0
        """How often the counters were read."""
        self.may_go_on = asyncio.Event()
        """`apply` waits for it, having noted the attempt."""
        self.may_go_on.set()
        self._changed = asyncio.Event()
        self._seen = 0

    @property
    def snapshot(self) -> Snapshot:
        """What is in force."""
        return self.applied[-1]

    async def apply(self, snapshot: Snapshot) -> None:
        self.attempts.append(snapshot)
        self._changed.set()
        await self.may_go_on.wait()
        if self.failures:
            raise self.failures.popleft()
        for address in _listens(snapshot) - _listens(self.snapshot):
            if address in self.taken:
                raise BindError(f"can't listen on {address}", address)
        self.applied.append(snapshot)
        self._changed.set()

    def stats(self) -> Stats:
        self.reads += 1
        self._changed.set()
        keys = [BackendKey(service.name, backend.address)
                for service in self.snapshot.services.values() for backend in service.backends]
        return Stats({}, {key: BackendStats(active=self.connections.get(key, 0), is_settled=key not in self.unsettled)
                          for key in keys})

    async def drain(self, timeout: float) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def reaches(self, is_reached: Callable[[Snapshot], bool]) -> Snapshot:
        """Wait until a snapshot that is as wanted was applied, now or since the last call, and give it."""
        async with asyncio.timeout(PATIENCE):
            while not is_reached(self.applied[self._seen]):
                await self._until(lambda: self._seen + 1 < len(self.applied))
                self._seen += 1
        return self.applied[self._seen]

    async def is_asked(self, times: int) -> None:
        """Wait until `apply` was called so many times in all."""
        await self._until(lambda: len(self.attempts) >= times)

    async def is_read(self, times: int) -> None:
        """Wait until the counters were read so many times from now on."""
        start = self.reads
        await self._until(lambda: self.reads >= start + times)

    async def _until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not is_true():
                self._changed.clear()
                await self._changed.wait()


def _listens(snapshot: Snapshot) -> set[Address]:
    return {address for service in snapshot.services.values() for address in service.listens}
