"""Who is chosen next: each scheduler's promise, by example."""

from collections import Counter

import pytest

from lbproxy.dataplanes.userspace.kind import USERSPACE
from lbproxy.dataplanes.userspace.worker.scheduler import SPARE_BUCKETS
from lbproxy.model.snapshot import Scheduler

from .picking import change_weight, picks, started

LC, WLC = Scheduler.LC, Scheduler.WLC


@pytest.mark.parametrize("scheduler", sorted(USERSPACE.schedulers))
def test_equals_take_turns(scheduler: Scheduler) -> None:
    least, _ = started(scheduler, {"a": 1, "b": 1, "c": 1})
    assert picks(least, 9) == "abcabcabc"


@pytest.mark.parametrize("scheduler", sorted(USERSPACE.schedulers))
def test_nobody_is_chosen_where_nobody_is(scheduler: Scheduler) -> None:
    least, candidates = started(scheduler, {"a": 1})
    least.withdraw(candidates["a"])
    assert (least.acquire(), least.next(), len(least)) == (None, None, 0)


@pytest.mark.parametrize("scheduler", sorted(USERSPACE.schedulers))
def test_weight_zero_is_never_chosen(scheduler: Scheduler) -> None:
    least, candidates = started(scheduler, {"a": 0, "b": 1})
    assert (picks(least, 3), len(least)) == ("bbb", 1)
    change_weight(least, candidates["b"], 0)
    assert least.acquire() is None


@pytest.mark.parametrize("scheduler", sorted(USERSPACE.schedulers))
def test_next_names_who_is_chosen_then(scheduler: Scheduler) -> None:
    least, _ = started(scheduler, {"a": 3, "b": 1, "c": 2})
    for _ in range(20):
        assert least.next() is least.acquire()


def test_lc_prefers_who_gave_a_lease_back() -> None:
    least, candidates = started(LC, {"a": 1, "b": 1, "c": 1})
    picks(least, 6)
    least.release(candidates["b"])
    assert picks(least, 2) == "ba"


def test_lc_ignores_weights_and_wlc_divides_by_them() -> None:
    weights = {"a": 1, "b": 3}
    assert Counter(picks(started(LC, weights)[0], 8)) == {"a": 4, "b": 4}
    assert Counter(picks(started(WLC, weights)[0], 8)) == {"a": 2, "b": 6}


def test_release_after_withdrawal_only_counts() -> None:
    least, candidates = started(LC, {"a": 1, "b": 1})
    picks(least, 4)
    least.withdraw(candidates["a"])
    least.release(candidates["a"])
    assert (candidates["a"].active, picks(least, 1)) == (1, "b")


def test_leases_outlive_absence() -> None:
    """Who comes back busy is not given everything at once."""
    least, candidates = started(LC, {"a": 1, "b": 1})
    picks(least, 6)
    least.withdraw(candidates["a"])
    least.admit(candidates["a"])
    assert picks(least, 4) == "baba"


@pytest.mark.parametrize("scheduler", sorted(USERSPACE.schedulers))
def test_excluded_are_passed_over_in_favour_of_the_next_best(scheduler: Scheduler) -> None:
    least, candidates = started(scheduler, {"a": 1, "b": 1, "c": 1})
    assert least.acquire([candidates["a"], candidates["b"]]) is candidates["c"]
    assert least.acquire(list(candidates.values())) is None
    assert picks(least, 3) in {"aba", "abc"}


@pytest.mark.parametrize("scheduler", sorted(USERSPACE.schedulers))
def test_memory_does_not_grow_while_load_rises_and_falls(scheduler: Scheduler) -> None:
    least, _ = started(scheduler, {"a": 7, "b": 3, "c": 100})
    for _ in range(3):
        held = [candidate for _ in range(500) if (candidate := least.acquire())]
        for candidate in held:
            least.release(candidate)
            assert len(least._scores) == len(least._buckets) <= 2 * len(least) + SPARE_BUCKETS + 1


@pytest.mark.parametrize("scheduler", sorted(USERSPACE.schedulers))
def test_who_left_is_not_kept(scheduler: Scheduler) -> None:
    least, candidates = started(scheduler, {"a": 1, "b": 2})
    least.withdraw(candidates["b"])
    picks(least, 10)
    assert not any(candidates["b"] in bucket for bucket in least._buckets.values())
