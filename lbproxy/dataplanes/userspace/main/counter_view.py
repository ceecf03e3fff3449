"""From the workers' counters in shared memory to `Stats`. Reads only; the workers notice nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import add
from time import monotonic
from typing import TypeVar

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Failed, Rejected
from lbproxy.model.stats import BackendStats, Histogram, ServiceStats, WorkerStats

Blocks = Sequence[memoryview]
K = TypeVar("K")
V = TypeVar("V")


class CounterView(Mapping[K, V]):
    """Reads a key's cells when it is asked for: who wants one of ten thousand backends pays for one."""

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
        rejected={reason.label: cells[counters.REJECTED + reason] for reason in Rejected},
        closed={reason.label: cells[counters.SERVICE_CLOSED + reason] for reason in Closed},
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
        failures={reason.label: cells[counters.FAILED + reason] for reason in Failed},
        closed={reason.label: cells[counters.CLOSED + reason] for reason in Closed},
    )


def worker_stats(block: memoryview, index: int, pid: int | None) -> WorkerStats:
    """One worker's own cells."""
    return WorkerStats(
        index=index,
        pid=pid,
        heartbeat_age=max(0.0, monotonic() - block[counters.HEARTBEAT] / counters.MILLISECONDS),
        descriptors=block[counters.DESCRIPTORS],
        descriptor_limit=block[counters.DESCRIPTOR_LIMIT],
        cpu_seconds=block[counters.CPU_TIME] / counters.MICROSECONDS,
        is_paused=bool(block[counters.IS_PAUSED]),
        accept_pauses=block[counters.ACCEPT_PAUSES],
        accept_errors=block[counters.ACCEPT_ERRORS],
    )


def account_lost_worker(block: memoryview, services: Iterable[int], backends: Mapping[int, int]) -> int:
    """Count what a dead worker took with it, and return how many connections. Nobody writes to its block now.

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
    """Zero a slot that is about to be held by another key; no worker knows the old one any more."""
    for block in blocks:
        for cell in range(at, at + size):
            block[cell] = 0


def _sum(blocks: Blocks, at: int, size: int) -> list[int]:
    first, *others = (block[at:at + size].tolist() for block in blocks)
    for cells in others:
        first = list(map(add, first, cells))
    return first


def _histogram(cells: list[int], at: int, bounds: tuple[float, ...]) -> Histogram:
    end = at + len(bounds) + 1
    return Histogram(bounds, cells[at:end], cells[end] / counters.MICROSECONDS)
