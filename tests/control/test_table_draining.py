"""Backends that go away: how long they keep their connections, and when they still get new ones."""

import pytest

from lbproxy.control.table import Table
from lbproxy.model.snapshot import Endpoint, State

from .values import at, backend, key, not_ready, numbers, open_numbers, ready, services, terminating, web


def table_of(*endpoints: Endpoint | int, drain_timeout: float = 60.0) -> Table:
    """A table that has given its first snapshot, at time 0."""
    table = Table()
    table.publish(services(web(*endpoints, drain_timeout=drain_timeout)))
    table.snapshot(0.0)
    return table


def test_removed_backend_leaves_at_its_deadline_and_not_before() -> None:
    table = table_of(1, 2)
    table.publish(services(web(1)))
    assert numbers(table.snapshot(10.0)) == [1, 2]
    assert table.next_deadline() == 70.0
    assert numbers(table.snapshot(69.999)) == [1, 2]
    assert numbers(table.snapshot(70.0)) == [1]
    assert table.next_deadline() is None


def test_deadline_counts_from_the_removal_however_often_others_change() -> None:
    table = table_of(1, 2)
    table.publish(services(web(1)))
    table.snapshot(10.0)
    table.publish(services(web(1, 3)))
    assert backend(table.snapshot(50.0), 2).deadline == 70.0


def test_new_drain_timeout_does_not_move_a_deadline_that_is_set() -> None:
    table = table_of(1, 2)
    table.publish(services(web(1)))
    table.snapshot(10.0)
    table.publish(services(web(1, drain_timeout=5.0)))
    assert backend(table.snapshot(11.0), 2).deadline == 70.0


def test_drain_timeout_of_zero_removes_at_once() -> None:
    table = table_of(1, 2, drain_timeout=0.0)
    table.publish(services(web(1, drain_timeout=0.0)))
    assert numbers(table.snapshot(10.0)) == [1]


def test_forgotten_backend_leaves_before_its_deadline() -> None:
    table = table_of(1, 2)
    table.publish(services(web(1)))
    table.snapshot(10.0)
    assert table.removed() == [key(2)]
    table.forget(key(2))
    assert table.removed() == []
    assert numbers(table.snapshot(11.0)) == [1]


def test_listed_backend_is_never_forgotten() -> None:
    table = table_of(1, ready(2, weight=0), not_ready(3), terminating(4))
    before = table.snapshot(1.0)
    for number in range(1, 5):
        table.forget(key(number))
    assert table.snapshot(2.0) is before
    assert table.removed() == []


def test_weight_zero_drains_without_a_deadline() -> None:
    table = table_of(ready(1, weight=0))
    one = backend(table.snapshot(1.0), 1)
    assert (one.state, one.reason, one.is_open, one.deadline) == (State.DRAINING, "weight 0", False, None)
    assert numbers(table.snapshot(1e9)) == [1]


def test_backend_that_is_not_ready_is_down_and_keeps_its_connections() -> None:
    table = table_of(1, not_ready(2))
    two = backend(table.snapshot(1.0), 2)
    assert (two.state, two.reason, two.is_open, two.deadline) == (State.DOWN, "not ready", False, None)


@pytest.mark.parametrize(("endpoint", "reason"), [
    (terminating(2), "terminating"), (terminating(2, is_serving=False), "terminating, not serving")])
def test_terminating_backend_drains_until_its_deadline(endpoint: Endpoint, reason: str) -> None:
    table = table_of(1, 2)
    table.publish(services(web(1, endpoint)))
    two = backend(table.snapshot(10.0), 2)
    assert (two.state, two.reason, two.is_open, two.deadline) == (State.DRAINING, reason, False, 70.0)
    assert numbers(table.snapshot(70.0)) == [1]


def test_deadline_goes_on_when_a_terminating_backend_is_removed() -> None:
    table = table_of(1, 2)
    table.publish(services(web(1, terminating(2))))
    table.snapshot(10.0)
    table.publish(services(web(1)))
    assert backend(table.snapshot(30.0), 2).deadline == 70.0


def test_backend_that_stays_listed_beyond_its_deadline_does_not_come_back_by_itself() -> None:
    table = table_of(1, terminating(2))
    assert numbers(table.snapshot(60.0)) == [1]
    table.publish(services(web(1, 3, terminating(2))))
    assert numbers(table.snapshot(61.0)) == [1, 3]
    table.publish(services(web(1, 3, 2)))
    assert open_numbers(table.snapshot(62.0)) == [1, 2, 3]


@pytest.mark.parametrize(("endpoints", "expected"), [
    ((1, terminating(2)), [1]),
    ((terminating(1), terminating(2)), [1, 2]),
    ((terminating(1), terminating(2, is_serving=False)), [1]),
    ((not_ready(1), terminating(2)), [2]),
    ((ready(1, weight=0), terminating(2)), [2]),
    ((not_ready(1), terminating(2, is_serving=False)), []),
    ((not_ready(1), Endpoint(at(2), weight=0, is_ready=False, is_terminating=True)), []),
])
def test_terminating_backend_that_serves_is_the_last_resort(
        endpoints: tuple[Endpoint | int, ...], expected: list[int]) -> None:
    assert open_numbers(table_of(*endpoints).snapshot(1.0)) == expected  # Kubernetes KEP-1669


def test_last_resort_ends_when_a_backend_is_active_again() -> None:
    table = table_of(not_ready(1), terminating(2))
    assert open_numbers(table.snapshot(1.0)) == [2]
    table.publish(services(web(1, terminating(2))))
    after = table.snapshot(2.0)
    assert open_numbers(after) == [1]
    assert backend(after, 2).state is State.DRAINING


def test_removed_backend_is_no_last_resort() -> None:
    table = table_of(1, 2)
    table.publish(services(web(not_ready(1))))
    assert open_numbers(table.snapshot(1.0)) == []


def test_last_resort_ends_at_its_deadline() -> None:
    table = table_of(terminating(1))
    assert open_numbers(table.snapshot(59.0)) == [1]
    assert numbers(table.snapshot(60.0)) == []
    assert table.snapshot(61.0).services["web"].listens
