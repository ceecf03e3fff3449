from dataclasses import replace

import pytest

from lbproxy.demo.log import Outage, Outcome, summary

SHOWN = Outage("bravo", stopped_at=1.7, started_at=3.3, used_at=4.0, retries=2,
            states=["active", "down (refused)", "active"])
GOOD = Outcome(5.04, {"bravo": 50, "alpha": 100}, {}, (SHOWN,), must_be_complete=True)


def test_summary_shows_requests_and_outages() -> None:
    assert list(summary(GOOD)) == [
        "150 requests in 5.0 s: 150 answered, 0 failed",
        "  answered by alpha: 100, bravo: 50",
        "bravo was told to stop at 1.7 s and started again at 3.3 s. The balancer",
        "  gave 2 refused connections to another backend",
        "  saw these states: active → down (refused) → active",
        "  used it again 0.7 s after its start",
    ]
    assert GOOD.exit_code == 0


def test_failed_request_is_a_failure_and_says_what_happened() -> None:
    outcome = replace(GOOD, failures={"reset": 2})
    assert list(summary(outcome))[:2] == ["152 requests in 5.0 s: 150 answered, 2 failed", "  2 times reset"]
    assert outcome.exit_code == 1


@pytest.mark.parametrize(("outage", "shortcoming"), [
    (replace(SHOWN, used_at=None), "the balancer never used bravo again"),
    (replace(SHOWN, retries=0, states=["active"]), "the balancer never noticed that bravo had stopped"),
])
def test_demo_with_an_end_fails_if_it_has_not_shown_everything(outage: Outage, shortcoming: str) -> None:
    outcome = replace(GOOD, outages=(outage,))
    assert list(summary(outcome))[-1] == f"NOT SHOWN: {shortcoming}"
    assert outcome.exit_code == 1


def test_demo_that_stopped_nothing_fails() -> None:
    assert replace(GOOD, outages=()).exit_code == 1


def test_demo_that_was_interrupted_need_not_be_complete() -> None:
    outcome = Outcome(2.0, {}, {}, (Outage("bravo", 1.0),), must_be_complete=False)
    assert outcome.exit_code == 0
    assert not any("NOT SHOWN" in line for line in summary(outcome))


def test_only_the_last_outages_of_a_long_demo_are_described() -> None:
    outages = tuple(replace(SHOWN, stopped_at=float(number)) for number in range(50))
    assert [line.split(" s ")[0] for line in summary(replace(GOOD, outages=outages)) if "told to stop" in line] == [
        f"bravo was told to stop at {number}.0" for number in (47, 48, 49)]
