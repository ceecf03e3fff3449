"""Backends whose connects failed in a row are taken out for a while: longer each time, never too many."""

import pytest

from lbproxy.control.table import Table
from lbproxy.model.snapshot import State

from .values import backend, key, not_ready, numbers, open_numbers, ready, services, web


def table_of(*numbers: int) -> Table:
    table = Table()
    table.publish(services(web(*numbers)))
    table.snapshot(0.0)
    return table


def test_ejected_backend_is_down_for_ten_seconds() -> None:
    table = table_of(1, 2)
    assert table.eject(key(1), 100.0) == 10.0
    one = backend(table.snapshot(100.0), 1)
    assert (one.state, one.reason, one.is_open, one.deadline) == (
        State.DOWN, "ejected: connects failed in a row", False, None)
    assert table.next_deadline() == 110.0
    assert open_numbers(table.snapshot(109.999)) == [2]
    assert open_numbers(table.snapshot(110.0)) == [1, 2]
    assert table.next_deadline() is None


def test_each_further_ejection_lasts_twice_as_long_up_to_five_minutes() -> None:
    table, now, lasted = table_of(1, 2), 0.0, []
    for _ in range(8):
        seconds = table.eject(key(1), now)
        assert seconds is not None
        lasted.append(seconds)
        now += seconds
    assert lasted == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_ejection_never_overflows() -> None:
    table, now = table_of(1, 2), 0.0
    for _ in range(2000):
        now += table.eject(key(1), now) or 0.0
    assert table.eject(key(1), now) == 300.0


@pytest.mark.parametrize(("pause", "seconds"), [(0.0, 20.0), (300.0, 20.0), (300.1, 10.0)])
def test_ejections_are_forgiven_after_five_minutes_of_use(pause: float, seconds: float) -> None:
    table = table_of(1, 2)
    table.eject(key(1), 0.0)
    assert table.eject(key(1), 10.0 + pause) == seconds


def test_backend_that_is_out_is_not_ejected_again() -> None:
    table = table_of(1, 2, 3, 4)
    table.eject(key(1), 0.0)
    assert table.eject(key(1), 9.0) is None
    assert table.eject(key(1), 10.0) == 20.0


@pytest.mark.parametrize(("size", "most"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)])
def test_at_most_half_of_the_backends_are_out_at_a_time(size: int, most: int) -> None:
    table = table_of(*range(1, size + 1))
    ejected = [table.eject(key(number), 0.0) is not None for number in range(1, size + 1)]
    assert ejected.count(True) == most
    assert len(open_numbers(table.snapshot(0.0))) == size - most


def test_another_backend_may_be_ejected_when_one_returns() -> None:
    table = table_of(1, 2)
    table.eject(key(1), 0.0)
    assert table.eject(key(2), 9.0) is None
    assert table.eject(key(2), 10.0) == 10.0


def test_check_that_passes_again_ends_an_ejection() -> None:
    table = table_of(1, 2)
    table.eject(key(1), 0.0)
    table.report(key(1), "refused")
    table.report(key(1), None)
    assert open_numbers(table.snapshot(1.0)) == [1, 2]
    assert table.next_deadline() is None


def test_backends_that_are_no_candidates_do_not_count() -> None:
    table = Table()
    table.publish(services(web(1, not_ready(2), ready(3, weight=0))))
    assert [table.eject(key(number), 0.0) for number in (1, 2, 3)] == [None, None, None]


@pytest.mark.parametrize("is_ejected_first", [True, False])
def test_ejected_backend_is_used_if_checks_leave_no_other(*, is_ejected_first: bool) -> None:
    table = table_of(1, 2)
    if is_ejected_first:
        table.eject(key(2), 0.0)
    table.report(key(1), "refused")
    table.eject(key(2), 0.0)
    two = backend(table.snapshot(1.0), 2)
    assert (two.state, two.is_open) == (State.DOWN, True)
    table.report(key(1), None)
    assert open_numbers(table.snapshot(2.0)) == [1]


def test_backend_that_fails_its_checks_is_no_last_resort() -> None:
    table = table_of(1, 2, 3, 4)
    for number in (1, 2):
        table.report(key(number), "refused")
        table.eject(key(number + 2), 0.0)
    assert open_numbers(table.snapshot(1.0)) == [3, 4]
    assert open_numbers(table.snapshot(11.0)) == [3, 4]


def test_ejected_backend_that_is_removed_drains() -> None:
    table = table_of(1, 2)
    table.eject(key(1), 0.0)
    table.publish(services(web(2)))
    assert backend(table.snapshot(1.0), 1).state is State.DRAINING
    assert numbers(table.snapshot(61.0)) == [2]


def test_reason_of_the_checks_goes_before_that_of_the_ejection() -> None:
    table = table_of(1, 2)
    table.eject(key(1), 0.0)
    table.report(key(1), "timeout")
    assert backend(table.snapshot(1.0), 1).reason == "check failed: timeout"
