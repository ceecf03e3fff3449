"""Endpoints with a spare weight, as those of other zones: used while none of the others can be, and only then."""

from lbproxy.control.table import Table
from lbproxy.model.drain_orders import DrainOrder
from lbproxy.model.snapshot import Endpoint, Snapshot

from .values import at, backend, key, ready, services, web


def spare(number: int) -> Endpoint:
    return Endpoint(at(number), weight=0, spare_weight=1)


def weights(snapshot: Snapshot, *numbers: int) -> list[int]:
    """What each of them takes of new connections."""
    found = [backend(snapshot, number) for number in numbers]
    return [one.weight if one.is_open else 0 for one in found]


def table_of(*endpoints: Endpoint) -> Table:
    table = Table()
    table.publish(services(web(*endpoints)))
    return table


def test_spare_is_not_used_while_one_of_the_others_is_usable() -> None:
    table = table_of(ready(1), ready(2), spare(3))
    assert weights(table.snapshot(0.0), 1, 2, 3) == [1, 1, 0]
    table.report(key(1), "refused")
    assert weights(table.snapshot(0.0), 1, 2, 3) == [0, 1, 0]


def test_spare_is_used_when_all_others_fail_their_checks_and_no_longer_than_that() -> None:
    table = table_of(ready(1), ready(2), spare(3), spare(4))
    table.snapshot(0.0)
    table.report(key(1), "refused")
    table.report(key(2), "refused")
    assert weights(table.snapshot(0.0), 1, 2, 3, 4) == [0, 0, 1, 1]
    assert table.panicking() == []
    table.report(key(2), None)
    assert weights(table.snapshot(0.0), 1, 2, 3, 4) == [0, 1, 0, 0]


def test_spare_that_fails_itself_is_not_used() -> None:
    table = table_of(ready(1), spare(2), spare(3))
    table.report(key(1), "refused")
    table.report(key(2), "refused")
    assert weights(table.snapshot(0.0), 1, 2, 3) == [0, 0, 1]


def test_checks_are_ignored_when_everything_fails_them() -> None:
    table = table_of(ready(1), spare(2))
    table.report(key(1), "refused")
    table.report(key(2), "refused")
    assert weights(table.snapshot(0.0), 1, 2) == [1, 0]
    assert table.panicking() == ["web"]


def test_spare_is_used_while_the_operator_drains_all_others() -> None:
    table = table_of(ready(1), spare(2))
    table.drain(key(1), DrainOrder())
    assert weights(table.snapshot(0.0), 1, 2) == [0, 1]


def test_spare_says_what_it_is_and_keeps_its_connections() -> None:
    table = table_of(ready(1), spare(2))
    found = backend(table.snapshot(0.0), 2)
    assert (found.reason, found.deadline) == ("spare", None)


def test_spare_that_the_operator_drains_is_not_used() -> None:
    table = table_of(ready(1), spare(2))
    table.drain(key(2), DrainOrder())
    table.report(key(1), "refused")
    assert weights(table.snapshot(0.0), 2) == [0]


def test_spare_is_used_when_the_others_are_removed() -> None:
    table = table_of(ready(1), spare(2))
    assert weights(table.snapshot(0.0), 1, 2) == [1, 0]
    table.publish(services(web(spare(2))))
    assert weights(table.snapshot(0.0), 2) == [1]


def test_weight_of_zero_that_is_not_spare_is_never_used() -> None:
    table = table_of(ready(1), ready(2, weight=0))
    table.report(key(1), "refused")
    assert weights(table.snapshot(0.0), 2) == [0]
