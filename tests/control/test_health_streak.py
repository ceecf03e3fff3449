"""From single results to verdicts: `fall` failures in a row, `rise` successes in a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbproxy.control.health import Streak
from lbproxy.model.snapshot import HealthPolicy


def verdicts(rise: int, fall: int, results: str) -> str:
    """A result is `+` or `-`; give for each whether it then counts as alive, as `+` or `-`."""
    streak = Streak(HealthPolicy(rise=rise, fall=fall))
    shown = ""
    for result in results:
        before = streak.verdict
        assert streak.take(None if result == "+" else "refused") == (streak.verdict != before)
        shown += "-" if streak.verdict else "+"
    return shown


@pytest.mark.parametrize(("rise", "fall", "results", "expected"), [
    (2, 2, "++-+-+--", "+++++++-"),
    (2, 2, "--+-+-++", "+------+"),
    (1, 1, "+-+--+", "+-+--+"),
    (1, 3, "---+---", "++-+++-"),
    (3, 1, "-++-+++-", "------+-"),
    (2, 2, "----++++", "+----+++"),
])
def test_verdict_changes_after_so_many_in_a_row(rise: int, fall: int, results: str, expected: str) -> None:
    assert verdicts(rise, fall, results) == expected


@given(st.integers(1, 5), st.integers(1, 5), st.text("+-", max_size=40))
def test_verdict_is_what_the_last_results_say(rise: int, fall: int, results: str) -> None:
    expected, current = "", "+"
    for end in range(1, len(results) + 1):
        if results[:end].endswith("-" * fall if current == "+" else "+" * rise):
            current = "-" if current == "+" else "+"
        expected += current
    assert verdicts(rise, fall, results) == expected


def test_verdict_is_the_reason_of_the_failure_that_made_it() -> None:
    streak = Streak(HealthPolicy(fall=2))
    assert [streak.take(why) for why in ("timeout", "refused", "timeout")] == [False, True, False]
    assert streak.verdict == "refused"


def test_streak_goes_on_from_an_earlier_verdict() -> None:
    streak = Streak(HealthPolicy(rise=2), "refused")
    assert [streak.take(None) for _ in range(2)] == [False, True]
    assert streak.verdict is None
