"""What sources say becomes a snapshot; what did not change stays the very same object."""

import pytest

from lbproxy.control.table import Table
from lbproxy.model.snapshot import BackendKey, ServiceSpec, Snapshot, State

from .values import LISTEN, OTHER_LISTEN, at, backend, key, not_ready, numbers, ready, services, web


@pytest.fixture
def table() -> Table:
    return Table()


def published(table: Table, *specs: ServiceSpec, now: float = 0.0) -> Snapshot:
    table.publish(services(*specs))
    return table.snapshot(now)


def test_empty_table_has_an_empty_snapshot(table: Table) -> None:
    assert table.snapshot(0.0) == Snapshot(0, {})
    assert table.next_deadline() is None


def test_published_backend_is_active_and_open_since_now(table: Table) -> None:
    one = backend(published(table, web(ready(1, weight=7)), now=5.0), 1)
    assert (one.address, one.weight, one.state, one.reason, one.since, one.is_open, one.deadline) == (
        at(1), 7, State.ACTIVE, "ready", 5.0, True, None)


def test_service_without_backends_still_listens(table: Table) -> None:
    service = published(table, web()).services["web"]
    assert (service.listens, service.backends) == ((LISTEN,), ())


def test_nothing_new_gives_the_very_same_snapshot(table: Table) -> None:
    before = published(table, web(1, 2))
    assert table.snapshot(1.0) is before
    assert published(table, web(1, 2), now=2.0) is before


def test_same_backends_in_another_order_are_nothing_new(table: Table) -> None:
    before = published(table, web(1, 2))
    assert published(table, web(2, 1), now=1.0) is before


def test_each_change_raises_the_version(table: Table) -> None:
    versions = [published(table, web(*range(1, size))).version for size in (2, 3, 4)]
    assert versions == [1, 2, 3]


def test_earlier_snapshot_is_not_touched_by_a_change(table: Table) -> None:
    before = published(table, web(1))
    published(table, web(1, 2))
    assert (numbers(before), before.version) == ([1], 1)


def test_other_services_stay_the_very_same_objects(table: Table) -> None:
    before = published(table, web(1), web(1, name="other"))
    after = published(table, web(1, 2), web(1, name="other"))
    assert after.services["other"] is before.services["other"]
    assert after.services["web"] is not before.services["web"]


def test_other_backends_stay_the_very_same_objects(table: Table) -> None:
    before = published(table, web(1, 2))
    after = published(table, web(1, ready(2, weight=9), 3), now=1.0)
    assert backend(after, 1) is backend(before, 1)
    assert backend(after, 2).weight == 9


def test_since_is_kept_while_the_state_is(table: Table) -> None:
    published(table, web(1), now=1.0)
    assert backend(published(table, web(ready(1, weight=9)), now=2.0), 1).since == 1.0
    assert backend(published(table, web(not_ready(1)), now=3.0), 1).since == 3.0


def test_removed_backend_drains(table: Table) -> None:
    published(table, web(1, 2))
    gone = backend(published(table, web(1), now=10.0), 2)
    assert (gone.state, gone.reason, gone.is_open, gone.since, gone.deadline, gone.weight) == (
        State.DRAINING, "removed", False, 10.0, 70.0, 0)


def test_backend_that_returns_while_it_drains_is_as_new(table: Table) -> None:
    published(table, web(1, 2))
    published(table, web(1), now=10.0)
    back = backend(published(table, web(1, 2), now=20.0), 2)
    assert (back.state, back.is_open, back.since, back.deadline) == (State.ACTIVE, True, 20.0, None)
    assert numbers(table.snapshot(1000.0)) == [1, 2]


def test_removed_service_stops_listening_and_drains_its_backends(table: Table) -> None:
    published(table, web(1))
    gone = published(table, now=10.0).services["web"]
    assert (gone.listens, [one.state for one in gone.backends]) == ((), [State.DRAINING])


def test_removed_service_is_gone_with_its_last_backend(table: Table) -> None:
    published(table, web(1, 2))
    table.forget(key(1))
    published(table, now=10.0)
    table.forget(key(1))
    assert "web" in table.snapshot(11.0).services
    table.forget(key(2))
    assert table.snapshot(12.0).services == {}
    assert table.removed() == []


def test_removed_service_without_backends_is_gone_at_once(table: Table) -> None:
    published(table, web())
    assert published(table).services == {}


def test_service_that_returns_while_it_drains_listens_again(table: Table) -> None:
    before = published(table, web(1))
    published(table, now=10.0)
    after = published(table, web(1), now=20.0)
    assert after.services["web"].listens == before.services["web"].listens
    assert backend(after, 1).is_open


def test_service_that_returns_after_it_was_gone_is_as_new(table: Table) -> None:
    published(table, web(1))
    published(table, now=10.0)
    table.forget(key(1))
    table.snapshot(11.0)
    assert backend(published(table, web(1), now=20.0), 1).since == 20.0


def test_changed_listen_address_keeps_the_backends(table: Table) -> None:
    before = published(table, web(1))
    after = published(table, web(1, listens=(OTHER_LISTEN,)))
    assert after.services["web"].listens == (OTHER_LISTEN,)
    assert backend(after, 1) is backend(before, 1)


def test_same_address_in_two_services_is_two_backends(table: Table) -> None:
    published(table, web(1), web(1, name="other"))
    table.report(key(1, "other"), "refused")
    table.report(key(1, "other"), "refused")
    published(table, web(1))
    assert table.removed() == [key(1, "other")]


def test_backends_that_nobody_knows_are_ignored(table: Table) -> None:
    before = published(table, web(1))
    for stranger in (key(9), BackendKey("stranger", at(1))):
        table.report(stranger, "refused")
        table.forget(stranger)
        assert table.eject(stranger, 0.0) is None
    assert table.snapshot(1.0) is before
