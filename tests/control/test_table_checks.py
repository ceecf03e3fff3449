"""Verdicts of the active checks, and when so many are bad that they are not believed."""

import pytest

from lbproxy.control.table import Table
from lbproxy.model.snapshot import State

from .values import backend, key, not_ready, open_numbers, ready, services, terminating, web


def table_of(*numbers: int) -> Table:
    table = Table()
    table.publish(services(web(*numbers)))
    table.snapshot(0.0)
    return table


def fail(table: Table, *numbers: int) -> None:
    for number in numbers:
        table.report(key(number), "refused")


def test_backend_that_fails_its_checks_is_down() -> None:
    table = table_of(1, 2)
    fail(table, 1)
    one = backend(table.snapshot(5.0), 1)
    assert (one.state, one.reason, one.is_open, one.since, one.deadline) == (
        State.DOWN, "check failed: refused", False, 5.0, None)


def test_only_a_backend_that_fails_its_checks_is_dead() -> None:
    table = Table()
    table.publish(services(web(ready(1), ready(2), ready(3), not_ready(4), terminating(5), ready(6))))
    fail(table, 1, 4, 5)
    table.eject(key(2), 0.0)
    snapshot = table.snapshot(0.0)
    assert [number for number in range(1, 7) if backend(snapshot, number).is_dead] == [1]
    table.report(key(1), None)
    assert not backend(table.snapshot(1.0), 1).is_dead


def test_no_backend_is_dead_while_checks_are_ignored() -> None:
    table = table_of(1, 2)
    fail(table, 1, 2)
    snapshot = table.snapshot(5.0)
    assert not backend(snapshot, 1).is_dead
    assert not backend(snapshot, 2).is_dead


def test_backend_that_passes_again_is_active() -> None:
    table = table_of(1, 2)
    fail(table, 1)
    table.snapshot(5.0)
    table.report(key(1), None)
    one = backend(table.snapshot(6.0), 1)
    assert (one.state, one.reason, one.since) == (State.ACTIVE, "ready", 6.0)


def test_same_verdict_again_changes_nothing() -> None:
    table = table_of(1, 2)
    fail(table, 1)
    before = table.snapshot(5.0)
    fail(table, 1)
    table.report(key(2), None)
    assert table.snapshot(6.0) is before


def test_new_reason_shows_and_does_not_restart_the_state() -> None:
    table = table_of(1, 2)
    fail(table, 1)
    table.snapshot(5.0)
    table.report(key(1), "timeout")
    one = backend(table.snapshot(6.0), 1)
    assert (one.reason, one.since) == ("check failed: timeout", 5.0)


def test_verdict_outlives_a_change_of_the_backend() -> None:
    table = table_of(1, 2)
    fail(table, 1)
    table.publish(services(web(ready(1, weight=9), 2)))
    assert backend(table.snapshot(5.0), 1).state is State.DOWN


@pytest.mark.parametrize(("size", "failing", "is_panicking"), [
    (1, 1, True), (2, 1, False), (2, 2, True), (3, 1, False), (3, 2, True), (4, 2, False), (4, 3, True),
    (10, 5, False), (10, 6, True),
])
def test_checks_are_ignored_only_if_more_than_half_fail(size: int, failing: int, *, is_panicking: bool) -> None:
    table = table_of(*range(1, size + 1))
    fail(table, *range(1, failing + 1))
    first = 1 if is_panicking else failing + 1
    assert open_numbers(table.snapshot(5.0)) == list(range(first, size + 1))
    assert table.panicking() == (["web"] if is_panicking else [])


def test_ignored_check_shows_in_the_reason() -> None:
    table = table_of(1)
    fail(table, 1)
    assert backend(table.snapshot(5.0), 1).reason == "checks ignored: too many backends fail them"


def test_checks_are_used_again_once_fewer_fail() -> None:
    table = table_of(1, 2, 3)
    fail(table, 1, 2)
    assert open_numbers(table.snapshot(5.0)) == [1, 2, 3]
    table.report(key(2), None)
    assert open_numbers(table.snapshot(6.0)) == [2, 3]
    assert table.panicking() == []


def test_only_candidates_count_for_the_panic_threshold() -> None:
    table = Table()
    table.publish(services(web(1, 2, not_ready(3), ready(4, weight=0), terminating(5))))
    fail(table, 1, 3, 4, 5)
    assert open_numbers(table.snapshot(5.0)) == [2]


def test_healthy_backends_that_leave_can_pass_the_panic_threshold() -> None:
    table = table_of(1, 2, 3)
    fail(table, 1)
    assert open_numbers(table.snapshot(5.0)) == [2, 3]
    table.publish(services(web(1)))
    assert open_numbers(table.snapshot(6.0)) == [1]


def test_services_panic_each_on_its_own() -> None:
    table = Table()
    table.publish(services(web(1), web(1, 2, name="other")))
    table.report(key(1), "refused")
    table.report(key(1, "other"), "refused")
    snapshot = table.snapshot(5.0)
    assert (open_numbers(snapshot), open_numbers(snapshot, "other")) == ([1], [2])
    assert table.panicking() == ["web"]
