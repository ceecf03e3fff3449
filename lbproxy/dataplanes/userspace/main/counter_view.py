"""The main process's side of the counters in shared memory: which slot counts what, and `Stats` made of the cells.

Pure. Workers count meanwhile and notice nothing; what is written here is written where no worker writes any more.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import add
from typing import Generic, TypeVar

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Failed, Rejected
from lbproxy.model.errors import DataplaneError
from lbproxy.model.stats import BackendStats, Histogram, ServiceStats, WorkerStats

Blocks = Sequence[memoryview]
# Asked of the enumerations once: for each of 10,000 backends it took half the time of a scrape.
_REJECTED, _CLOSED, _FAILED = (tuple(reason.label for reason in kind) for kind in (Rejected, Closed, Failed))
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Slots(Generic[K]):
    """Numbers below `limit`, each of which one key holds at a time. `what` names the keys in an error."""

    def __init__(self, limit: int, what: str) -> None:
        self._limit, self._what = limit, what
        self._free: list[int] = []
        self.held: dict[K, int] = {}

    def assign(self, keys: Iterable[K]) -> None:
        """Give a number to each key that has none: to all of them, or to none and `DataplaneError`."""
        fresh = [key for key in dict.fromkeys(keys) if key not in self.held]
        if len(self.held) + len(fresh) > self._limit:
            raise DataplaneError(f"more than {self._limit} {self._what}: split them over several lbproxy instances")
        for key in fresh:
            self.held[key] = self._free.pop() if self._free else len(self.held)

    def free(self, keys: Iterable[K]) -> list[int]:
        """Take back the numbers of these keys, each of which holds one, and return them."""
        numbers = [self.held.pop(key) for key in keys]
        self._free += numbers
        return numbers


class CounterView(Mapping[K, V]):
    """Reads a key's cells when it is asked for: a caller that wants one of ten thousand backends pays for one."""

    def __init__(self, slots: Mapping[K, int], read: Callable[[int], V]) -> None:
        self._slots, self._read = dict(slots), read

    def __getitem__(self, key: K) -> V:
        return self._read(self._slots[key])

    def __iter__(self) -> Iterator[K]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)


def service_stats(blocks: Blocks, slot: int) -> ServiceStats:
    """Sum one service's cells over all workers."""
    cells = _sum(blocks, counters.service_at(slot), counters.SERVICE_CELLS)
    return ServiceStats(
        accepted=cells[counters.ACCEPTED],
        queued=cells[counters.QUEUED],
        rejected=_by_reason(_REJECTED, cells, counters.REJECTED),
        closed=_by_reason(_CLOSED, cells, counters.SERVICE_CLOSED),
        connect_seconds=_histogram(cells, counters.CONNECT_HISTOGRAM, counters.CONNECT_BOUNDS),
        duration_seconds=_histogram(cells, counters.DURATION_HISTOGRAM, counters.DURATION_BOUNDS),
    )


def backend_stats(blocks: Blocks, slot: int) -> BackendStats:
    """Sum one backend's cells over all workers."""
    cells = _sum(blocks, counters.backend_at(slot), counters.BACKEND_CELLS)
    return BackendStats(
        active=cells[counters.ACTIVE],
        connections=cells[counters.CONNECTIONS],
        bytes_received=cells[counters.RECEIVED],
        bytes_sent=cells[counters.SENT],
        retries=cells[counters.RETRIES],
        failures=_by_reason(_FAILED, cells, counters.FAILED),
        closed=_by_reason(_CLOSED, cells, counters.CLOSED),
    )


def worker_stats(block: memoryview, index: int, pid: int | None, now: float, *,
                 is_listening: bool = True) -> WorkerStats:
    """One worker's own cells; `now` is on the monotonic clock, which workers share."""
    return WorkerStats(
        index=index,
        pid=pid,
        heartbeat_age=max(0.0, now - block[counters.HEARTBEAT] / counters.MILLISECONDS),
        descriptors=block[counters.DESCRIPTORS],
        descriptor_limit=block[counters.DESCRIPTOR_LIMIT],
        cpu_seconds=block[counters.CPU_TIME] / counters.MICROSECONDS,
        is_paused=bool(block[counters.IS_PAUSED]),
        accept_pauses=block[counters.ACCEPT_PAUSES],
        accept_errors=block[counters.ACCEPT_ERRORS],
        is_copying=bool(block[counters.IS_COPYING]),
        is_listening=is_listening,
    )


def account_lost_worker(block: memoryview, services: Iterable[int], backends: Mapping[int, int]) -> int:
    """Count what a dead worker took with it, and return how many connections. A second call finds nothing more.

    `backends` maps the slot of each backend to that of its service.
    """
    lost = 0
    for at, service_at in ((counters.backend_at(slot), counters.service_at(of)) for slot, of in backends.items()):
        active, block[at + counters.ACTIVE] = block[at + counters.ACTIVE], 0
        block[at + counters.CLOSED + Closed.WORKER_LOST] += active
        block[service_at + counters.SERVICE_CLOSED + Closed.WORKER_LOST] += active
        lost += active
    for at in map(counters.service_at, services):
        block[at + counters.REJECTED + Rejected.WORKER_LOST] += block[at + counters.QUEUED]
        block[at + counters.QUEUED] = 0
    block[counters.IS_PAUSED] = block[counters.DESCRIPTORS] = 0
    return lost


def reset_slot(blocks: Blocks, at: int, size: int) -> None:
    """Zero a slot that another key may hold next: `size` cells from `at`. No worker may know the old key any more."""
    for block in blocks:
        for cell in range(at, at + size):
            block[cell] = 0


def _sum(blocks: Blocks, at: int, size: int) -> list[int]:
    first, *others = (block[at:at + size].tolist() for block in blocks)
    for cells in others:
        first = list(map(add, first, cells))
    return first


def _by_reason(labels: tuple[str, ...], cells: list[int], at: int) -> dict[str, int]:
    return dict(zip(labels, cells[at:at + len(labels)], strict=True))


def _histogram(cells: list[int], at: int, bounds: tuple[float, ...]) -> Histogram:
    end = at + len(bounds) + 1
    return Histogram(bounds, cells[at:end], cells[end] / counters.MICROSECONDS)
