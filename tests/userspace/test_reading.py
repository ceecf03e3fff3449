"""From the workers' cells to what the admin server shows, and what becomes of a dead worker's."""

import os

import pytest

from lbproxy.dataplanes.userspace.main import counter_view
from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.counters import (
    ACCEPT_ERRORS,
    ACCEPT_PAUSES,
    ACCEPTED,
    ACTIVE,
    CLOSED,
    CONNECT_BOUNDS,
    CONNECT_HISTOGRAM,
    CONNECTIONS,
    DESCRIPTORS,
    DURATION_BOUNDS,
    DURATION_HISTOGRAM,
    FAILED,
    HEARTBEAT,
    IS_PAUSED,
    QUEUED,
    RECEIVED,
    REJECTED,
    RETRIES,
    SENT,
    backend_at,
    service_at,
)
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Failed, Rejected

WORKERS = 3
SLOT = 7


@pytest.fixture
def blocks() -> list[memoryview]:
    descriptor = counters.allocate(WORKERS)
    attached = counters.attach(descriptor, WORKERS)
    os.close(descriptor)
    return attached


def test_every_cell_has_a_place_of_its_own() -> None:
    service = [ACCEPTED, QUEUED, *(REJECTED + reason for reason in Rejected),
               *range(CONNECT_HISTOGRAM, CONNECT_HISTOGRAM + len(CONNECT_BOUNDS) + 2),
               *range(DURATION_HISTOGRAM, DURATION_HISTOGRAM + len(DURATION_BOUNDS) + 2)]
    backend = [ACTIVE, CONNECTIONS, RECEIVED, SENT, RETRIES, *(FAILED + reason for reason in Failed),
               *(CLOSED + reason for reason in Closed)]
    for cells, size in ((service, counters.SERVICE_CELLS), (backend, counters.BACKEND_CELLS)):
        assert len(set(cells)) == len(cells)
        assert max(cells) < size
    assert service_at(counters.MAX_SERVICES) == backend_at(0)
    assert backend_at(counters.MAX_BACKENDS) * counters.CELL_BYTES == counters.BLOCK_BYTES


def test_backend_is_the_sum_over_all_workers(blocks: list[memoryview]) -> None:
    for worker, block in enumerate(blocks, 1):
        for cell in range(counters.BACKEND_CELLS):
            block[backend_at(SLOT) + cell] = worker * (cell + 1)
    stats = counter_view.backend_stats(blocks, SLOT)
    assert (stats.active, stats.connections, stats.retries) == (6, 12, 30)
    assert (stats.bytes_received, stats.bytes_sent) == (18, 24)
    assert stats.failures == {reason.label: 6 * (FAILED + reason + 1) for reason in Failed}
    assert stats.closed == {reason.label: 6 * (CLOSED + reason + 1) for reason in Closed}


def test_service_is_the_sum_over_all_workers(blocks: list[memoryview]) -> None:
    for block in blocks:
        block[service_at(SLOT) + ACCEPTED] = 5
        block[service_at(SLOT) + QUEUED] = 1
        block[service_at(SLOT) + REJECTED + Rejected.QUEUE_FULL] = 2
    stats = counter_view.service_stats(blocks, SLOT)
    assert (stats.accepted, stats.queued, stats.rejected["queue_full"], sum(stats.rejected.values())) == (15, 3, 6, 6)


def test_durations_are_counted_at_the_first_bound_that_holds_them(blocks: list[memoryview]) -> None:
    for block, seconds in zip(blocks, (0.0005, 0.02, 99.0), strict=True):
        counters.observe(block, service_at(SLOT) + CONNECT_HISTOGRAM, CONNECT_BOUNDS, seconds)
    histogram = counter_view.service_stats(blocks, SLOT).connect_seconds
    assert histogram is not None
    counted = dict(zip((*CONNECT_BOUNDS, "longer"), histogram.counts, strict=True))
    assert {bound for bound, count in counted.items() if count} == {0.0005, 0.025, "longer"}
    assert histogram.total == pytest.approx(99.0205)


def test_worker_is_as_old_as_its_last_heartbeat(blocks: list[memoryview]) -> None:
    block = blocks[1]
    block[HEARTBEAT] = 95 * counters.MILLISECONDS
    block[DESCRIPTORS], block[ACCEPT_PAUSES], block[ACCEPT_ERRORS], block[IS_PAUSED] = 10, 2, 3, 1
    stats = counter_view.worker_stats(block, 1, 4711, 100.0)
    assert (stats.index, stats.pid, stats.descriptors, stats.accept_pauses, stats.accept_errors) == (1, 4711, 10, 2, 3)
    assert stats.is_paused
    assert stats.heartbeat_age == 5.0


def test_dead_worker_ends_what_it_had_and_keeps_what_it_counted(blocks: list[memoryview]) -> None:
    dead, alive = blocks[0], blocks[1]
    for block in (dead, alive):
        block[backend_at(SLOT) + ACTIVE] = 4
        block[backend_at(SLOT) + CONNECTIONS] = 9
        block[service_at(SLOT) + QUEUED] = 2
        block[DESCRIPTORS] = block[IS_PAUSED] = 1
    assert counter_view.account_lost_worker(dead, [SLOT], {SLOT: SLOT, SLOT + 1: SLOT}) == 4
    backend, service = counter_view.backend_stats(blocks, SLOT), counter_view.service_stats(blocks, SLOT)
    assert (backend.active, backend.connections, backend.closed["worker_lost"]) == (4, 18, 4)
    assert (service.queued, service.rejected["worker_lost"], service.closed["worker_lost"]) == (2, 2, 4)
    assert (dead[DESCRIPTORS], dead[IS_PAUSED], alive[DESCRIPTORS], alive[IS_PAUSED]) == (0, 0, 1, 1)


def test_burying_twice_counts_once(blocks: list[memoryview]) -> None:
    blocks[0][backend_at(SLOT) + ACTIVE] = 4
    assert [counter_view.account_lost_worker(blocks[0], [SLOT], {SLOT: SLOT}) for _ in range(2)] == [4, 0]


def test_wiped_slot_is_zero_in_every_block_and_its_neighbours_are_not(blocks: list[memoryview]) -> None:
    size = counters.BACKEND_CELLS
    for block in blocks:
        for cell in range(backend_at(SLOT - 1), backend_at(SLOT + 2)):
            block[cell] = 1
    counter_view.reset_slot(blocks, backend_at(SLOT), size)
    for block in blocks:
        assert block[backend_at(SLOT - 1):backend_at(SLOT + 2)].tolist() == [1] * size + [0] * size + [1] * size


def test_counters_are_the_same_memory_for_everybody() -> None:
    descriptor = counters.allocate(WORKERS)
    mine, yours = counters.attach(descriptor, WORKERS), counters.attach(descriptor, WORKERS)
    os.close(descriptor)
    mine[2][backend_at(SLOT) + ACTIVE] = 3
    assert [block[backend_at(SLOT) + ACTIVE] for block in yours] == [0, 0, 3]
