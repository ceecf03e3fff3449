"""By turns: whoever comes, comes back or changes its weight is neither owed anything nor made to wait."""

from collections import Counter

import pytest

from lbproxy.dataplanes.userspace.worker.scheduler import LeastScore
from lbproxy.model.snapshot import Scheduler

from .picking import Named, change_weight, picks, started

WRR = Scheduler.WRR
BY_TURNS = [Scheduler.RR, WRR]


@pytest.mark.parametrize("scheduler", BY_TURNS)
def test_newcomer_is_not_owed_what_it_missed(scheduler: Scheduler) -> None:
    least, _ = started(scheduler, {"a": 1, "b": 1})
    picks(least, 1000)
    least.admit(Named("c"))
    assert Counter(picks(least, 9)) == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize("scheduler", BY_TURNS)
def test_who_comes_back_is_not_owed_what_it_missed(scheduler: Scheduler) -> None:
    least, candidates = started(scheduler, {"a": 1, "b": 1, "c": 1})
    least.withdraw(candidates["c"])
    picks(least, 1000)
    least.admit(candidates["c"])
    assert Counter(picks(least, 9)) == {"a": 3, "b": 3, "c": 3}


def test_wrr_lower_weight_does_not_have_to_wait_for_what_it_had() -> None:
    least, candidates = started(WRR, {"a": 100, "b": 100})
    picks(least, 1000)
    change_weight(least, candidates["a"], 1)
    assert Counter(picks(least, 303)) == {"a": 3, "b": 300}


def test_wrr_higher_weight_is_not_owed_anything() -> None:
    least, candidates = started(WRR, {"a": 1, "b": 1})
    picks(least, 1000)
    change_weight(least, candidates["a"], 9)
    assert Counter(picks(least, 50)) == {"a": 45, "b": 5}


@pytest.mark.parametrize("scheduler", BY_TURNS)
def test_turns_under_another_scheduler_are_forgotten(scheduler: Scheduler) -> None:
    candidates = [Named("a"), Named("b"), Named("c")]
    for turns, candidate in zip((1000, 10, 0), candidates, strict=True):
        candidate.turns = turns
    least = LeastScore[Named](scheduler)
    for candidate in candidates:
        least.admit(candidate)
    assert all(count in {9, 10, 11} for count in Counter(picks(least, 30)).values())


def test_wrr_newcomer_loses_no_turn_to_rounding() -> None:
    """7 / 100 * 100 is a little more than 7."""
    least, _ = started(WRR, {"a": 100})
    picks(least, 7)
    least.admit(Named("b", 100))
    assert picks(least, 4) == "baba"
