"""Leases within `max_conns`, as one worker gives them; the other one exists as its counters."""

import pytest

from lbproxy.dataplanes.userspace.shared.counters import (
    ACTIVE,
    BACKENDS_AT,
    BLOCK_BYTES,
    CELL_BYTES,
    CONNECTIONS,
    backend_at,
)
from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.dataplanes.userspace.worker.pool import Pool, Target
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler

A, B, C = (Address(f"10.0.0.{last}", 80) for last in (1, 2, 3))
SLOTS = {A: 5, B: 6, C: 7}


class Pair:
    """A pool, and the other worker's counters."""

    def __init__(self, limit: int, *addresses: Address, shift: int = 0) -> None:
        self.blocks = [memoryview(bytearray(BACKENDS_AT * CELL_BYTES + 4096)).cast("q") for _ in range(2)]
        self.pool = Pool(self.blocks[0], self.blocks, shift)
        self.pool.configure(Scheduler.LC, limit)
        self.pool.put([member(address) for address in addresses])

    def leases(self, count: int) -> str:
        """Who is leased in so many attempts; `-` is nobody."""
        return "".join(_name(self.pool.lease()) for _ in range(count))

    def active(self, address: Address, worker: int = 0) -> int:
        return self.blocks[worker][backend_at(SLOTS[address]) + ACTIVE]

    def hold_elsewhere(self, address: Address, count: int) -> None:
        self.blocks[1][backend_at(SLOTS[address]) + ACTIVE] = count


def member(address: Address, weight: int = 1, *, is_open: bool = True) -> Member:
    return Member(address, SLOTS[address], weight, is_open)


def _name(target: Target | None) -> str:
    return "-" if target is None else target.address.host[-1]


def test_blocks_are_laid_out_for_every_backend() -> None:
    assert backend_at(SLOTS[C]) * CELL_BYTES < BACKENDS_AT * CELL_BYTES + 4096 < BLOCK_BYTES


def test_no_limit_means_no_limit() -> None:
    pair = Pair(0, A)
    assert pair.leases(100) == "1" * 100
    assert not pair.pool.is_full


def test_limit_counts_each_backend_by_itself() -> None:
    pair = Pair(2, A, B)
    assert pair.leases(6) == "1212--"
    assert (pair.active(A), pair.active(B), pair.pool.is_full) == (2, 2, True)


def test_refused_attempt_is_not_counted() -> None:
    pair = Pair(1, A)
    pair.leases(3)
    assert (pair.active(A), pair.blocks[0][backend_at(SLOTS[A]) + CONNECTIONS]) == (1, 1)


def test_limit_includes_what_other_workers_hold() -> None:
    pair = Pair(3, A)
    pair.hold_elsewhere(A, 2)
    assert pair.leases(3) == "1--"


def test_full_backend_resumes_when_a_lease_is_given_back() -> None:
    pair = Pair(1, A)
    target = pair.pool.lease()
    assert target is not None
    assert pair.leases(1) == "-"
    pair.pool.give_back(target)
    assert (pair.pool.is_full, pair.leases(2)) == (False, "1-")


def test_full_backend_resumes_on_review_when_another_worker_made_room() -> None:
    pair = Pair(2, A)
    pair.hold_elsewhere(A, 2)
    assert pair.leases(1) == "-"
    pair.pool.review()
    assert (pair.pool.is_full, pair.leases(1)) == (True, "-")
    pair.hold_elsewhere(A, 1)
    pair.pool.review()
    assert (pair.pool.is_full, pair.leases(2)) == (False, "1-")


@pytest.mark.parametrize(("before", "after", "expected"), [(1, 3, "11-"), (1, 0, "111"), (3, 1, "---")])
def test_changed_limit_holds_at_once(before: int, after: int, expected: str) -> None:
    pair = Pair(before, A)
    pair.leases(before + 1)
    pair.pool.configure(Scheduler.LC, after)
    assert pair.leases(3) == expected


def test_excluded_backends_are_passed_over() -> None:
    pair = Pair(0, A, B)
    assert _name(pair.pool.lease([pair.pool.targets[A]])) == "2"
    assert pair.pool.lease(list(pair.pool.targets.values())) is None


def test_dropped_backend_takes_its_lease_back_and_gives_no_more() -> None:
    pair = Pair(1, A)
    target = pair.pool.lease()
    assert target is not None
    pair.leases(1)
    pair.pool.drop(A)
    pair.pool.give_back(target)
    assert (pair.active(A), pair.leases(1), pair.pool.is_full) == (0, "-", False)


def test_closed_backend_that_was_full_does_not_resume() -> None:
    pair = Pair(1, A)
    target = pair.pool.lease()
    assert target is not None
    pair.leases(1)
    pair.pool.put([member(A, is_open=False)])
    pair.pool.give_back(target)
    pair.pool.review()
    assert pair.leases(1) == "-"


def test_another_slot_is_another_backend() -> None:
    pair = Pair(0, A)
    pair.pool.put([Member(A, SLOTS[B], 1, is_open=True)])
    assert pair.leases(2) == "11"
    assert (pair.active(A), pair.active(B)) == (0, 2)


@pytest.mark.parametrize(("shift", "order"), [(0, "123123"), (1, "231231"), (2, "312312"), (4, "231231")])
def test_workers_start_at_different_backends(shift: int, order: str) -> None:
    assert Pair(0, A, B, C, shift=shift).leases(6) == order


@pytest.mark.parametrize("scheduler", list(Scheduler))
def test_other_scheduler_takes_over_leases_and_closed_backends(scheduler: Scheduler) -> None:
    pair = Pair(0, A, B, C)
    pair.leases(3)
    pair.pool.put([member(C, is_open=False)])
    pair.pool.configure(scheduler, 0)
    assert sorted(pair.leases(4)) == list("1122")
    assert pair.active(C) == 1
