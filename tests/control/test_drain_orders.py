"""An operator's drain in the table: what it does, what it outlives, and how it ends."""

import pytest

from lbproxy.control.drain import FORGOTTEN_AFTER
from lbproxy.control.table import Table
from lbproxy.model.drain_orders import BY_OPERATOR, DrainOrder
from lbproxy.model.snapshot import Backend, State

from .values import at, backend, backends, key, not_ready, numbers, open_numbers, ready, services, terminating, web


@pytest.fixture
def table() -> Table:
    table = Table()
    table.publish(services(web(1, 2)))
    table.snapshot(0.0)
    return table


def drained(table: Table, now: float) -> Backend:
    return backend(table.snapshot(now), 1)


def test_ordered_backend_drains_and_says_why(table: Table) -> None:
    assert table.drain(key(1), DrainOrder())
    found = drained(table, 1.0)
    assert (found.state, found.reason, found.since, found.is_open) == (State.DRAINING, BY_OPERATOR, 1.0, False)
    assert (found.deadline, found.until) == (None, None)
    assert open_numbers(table.snapshot(1.0)) == [2]


def test_order_for_an_unknown_backend_is_refused_and_changes_nothing(table: Table) -> None:
    before = table.snapshot(1.0)
    assert not table.drain(key(9), DrainOrder())
    assert not table.drain(key(1, "other"), DrainOrder())
    assert table.snapshot(1.0) is before
    assert table.drain_orders(1.0) == {}


def test_order_outlives_reloads_and_what_kubernetes_says(table: Table) -> None:
    table.drain(key(1), DrainOrder())
    for endpoint in (ready(1, weight=9), not_ready(1), ready(1, weight=0), ready(1)):
        table.publish(services(web(endpoint, 2)))
        assert drained(table, 1.0).reason == BY_OPERATOR


def test_terminating_backend_keeps_the_deadline_of_its_source(table: Table) -> None:
    table.drain(key(1), DrainOrder())
    table.snapshot(1.0)
    table.publish(services(web(terminating(1), 2)))
    found = drained(table, 2.0)
    assert (found.reason, found.deadline) == ("terminating", 62.0)


def test_backend_that_leaves_and_comes_back_is_drained_again(table: Table) -> None:
    table.drain(key(1), DrainOrder())
    table.publish(services(web(2)))
    table.snapshot(1.0)
    table.forget(key(1))
    assert numbers(table.snapshot(2.0)) == [2]
    table.publish(services(web(1, 2)))
    assert drained(table, 3.0).reason == BY_OPERATOR


@pytest.mark.parametrize("remaining", [(), (2,)])
def test_order_for_a_backend_long_gone_is_forgotten(table: Table, remaining: tuple[int, ...]) -> None:
    table.drain(key(1), DrainOrder())
    table.publish(services(*([web(*remaining)] if remaining else [])))
    table.snapshot(1.0)
    for number in (1, 2):
        table.forget(key(number))
    table.snapshot(2.0)
    assert list(table.drain_orders(3.0)) == [key(1)]
    late = 10.0 + FORGOTTEN_AFTER
    assert table.drain_orders(late) == {}
    table.publish(services(web(1, 2)))
    assert drained(table, late).state is State.ACTIVE


def test_order_with_a_time_ends_by_itself(table: Table) -> None:
    table.drain(key(1), DrainOrder(until=11.0))
    assert (drained(table, 1.0).until, table.next_deadline()) == (11.0, 11.0)
    assert drained(table, 10.9).state is State.DRAINING
    found = drained(table, 11.0)
    assert (found.state, found.since, found.until) == (State.ACTIVE, 11.0, None)
    assert table.drain_orders(11.0) == {}


def test_undrain_ends_an_order_at_once(table: Table) -> None:
    table.drain(key(1), DrainOrder())
    table.snapshot(1.0)
    assert table.undrain(key(1))
    assert drained(table, 2.0).state is State.ACTIVE
    assert not table.undrain(key(1))


def test_order_for_a_removed_service_can_be_ended(table: Table) -> None:
    table.drain(key(1), DrainOrder())
    table.publish({})
    table.snapshot(1.0)
    table.forget(key(1))
    table.forget(key(2))
    table.snapshot(1.0)
    assert table.undrain(key(1))
    table.publish(services(web(1, 2)))
    assert drained(table, 2.0).state is State.ACTIVE


def test_connections_left_at_the_deadline_are_reset_and_the_backend_stays_drained(table: Table) -> None:
    table.drain(key(1), DrainOrder(deadline=5.0))
    assert (drained(table, 1.0).deadline, table.next_deadline()) == (5.0, 5.0)
    assert numbers(table.snapshot(5.0)) == [2]
    assert numbers(table.snapshot(6.0)) == [2], "until a dataplane has made it true"
    table.note_applied()
    assert table.is_stale
    found = drained(table, 6.0)
    assert (found.reason, found.deadline) == (BY_OPERATOR, None)
    table.note_applied()
    assert not table.is_stale


def test_new_order_given_while_an_old_one_is_carried_out_keeps_its_deadline(table: Table) -> None:
    table.drain(key(1), DrainOrder(deadline=5.0))
    table.snapshot(5.0)
    table.drain(key(1), DrainOrder(deadline=50.0))
    table.note_applied()
    assert drained(table, 6.0).deadline == 50.0


def test_new_order_replaces_the_old_one(table: Table) -> None:
    table.drain(key(1), DrainOrder(until=10.0, deadline=5.0))
    table.snapshot(1.0)
    table.drain(key(1), DrainOrder(until=20.0))
    found = drained(table, 2.0)
    assert (found.until, found.deadline, found.since) == (20.0, None, 1.0)


def test_drained_backends_are_no_last_resort(table: Table) -> None:
    table.drain(key(1), DrainOrder())
    table.drain(key(2), DrainOrder())
    assert open_numbers(table.snapshot(1.0)) == []
    table.publish(services(web(1, 2, terminating(3))))
    assert open_numbers(table.snapshot(2.0)) == [3]


def test_drained_backend_does_not_count_for_the_panic_threshold(table: Table) -> None:
    table.drain(key(1), DrainOrder())
    table.report(key(2), "refused")
    found = table.snapshot(1.0)
    assert table.panicking() == ["web"], "the only candidate fails"
    assert backend(found, 2).state is State.ACTIVE


def test_ejection_says_when_it_ends_unless_the_check_is_the_reason(table: Table) -> None:
    table.publish(services(web(1, 2, 3)))
    table.eject(key(1), 1.0)
    assert drained(table, 1.0).until == 11.0
    table.report(key(1), "refused")
    assert (drained(table, 2.0).reason, drained(table, 2.0).until) == ("check failed: refused", None)


def test_unordered_services_are_the_same_objects_as_before(table: Table) -> None:
    table.publish(services(web(1, 2), web(3, name="other")))
    before = table.snapshot(1.0)
    table.drain(key(1), DrainOrder())
    assert table.snapshot(2.0).services["other"] is before.services["other"]
    assert backends(table.snapshot(2.0))[at(2)] is backends(before)[at(2)]
