"""Backends that were removed are let go as soon as they have no connection left, and no earlier."""

import pytest

from lbproxy.control.controller import Controller
from lbproxy.model.errors import DataplaneError
from lbproxy.model.snapshot import State

from .fake_dataplane import FakeDataplane
from .values import backend, backends, key, numbers, open_numbers, services, terminating, web


@pytest.fixture
async def busy(controller: Controller, dataplane: FakeDataplane) -> Controller:
    """A controller of two backends, the second of which has three connections."""
    controller.publish(services(web(1, 2)))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2])
    dataplane.connections[key(2)] = 3
    return controller


async def test_removed_backend_is_kept_while_it_has_connections(busy: Controller, dataplane: FakeDataplane) -> None:
    busy.publish(services(web(1)))
    await dataplane.reaches(lambda now: backend(now, 2).state is State.DRAINING)
    await dataplane.is_read(times=3)
    assert numbers(dataplane.snapshot) == [1, 2]
    dataplane.connections[key(2)] = 0
    await dataplane.reaches(lambda now: numbers(now) == [1])


async def test_removed_backend_is_kept_until_its_count_is_settled(busy: Controller, dataplane: FakeDataplane) -> None:
    dataplane.connections.clear()
    dataplane.unsettled.add(key(2))
    busy.publish(services(web(1)))
    await dataplane.reaches(lambda now: backend(now, 2).state is State.DRAINING)
    await dataplane.is_read(times=3)
    assert numbers(dataplane.snapshot) == [1, 2]
    dataplane.unsettled.clear()
    await dataplane.reaches(lambda now: numbers(now) == [1])


async def test_removed_backend_leaves_at_its_deadline_with_connections(
        busy: Controller, dataplane: FakeDataplane) -> None:
    busy.publish(services(web(1, 2, drain_timeout=0.05)))
    busy.publish(services(web(1, drain_timeout=0.05)))
    await dataplane.reaches(lambda now: backend(now, 2).state is State.DRAINING)
    await dataplane.reaches(lambda now: numbers(now) == [1])
    assert dataplane.connections[key(2)] == 3


async def test_removed_backend_is_dropped_only_after_it_was_applied_as_draining(
        busy: Controller, dataplane: FakeDataplane) -> None:
    dataplane.connections.clear()
    dataplane.failures += [DataplaneError("a worker is late")] * 3
    busy.publish(services(web(1)))
    await dataplane.reaches(lambda now: numbers(now) == [1])
    first, *refused, draining, gone = [backends(snapshot) for snapshot in dataplane.attempts]
    assert all(one.state is State.DRAINING for tried in (*refused, draining) for one in [*tried.values()][1:])
    assert [len(shown) for shown in (first, *refused, draining, gone)] == [2, 2, 2, 2, 2, 1]


async def test_removed_backend_that_got_no_new_connections_before_is_dropped_at_once(
        controller: Controller, dataplane: FakeDataplane) -> None:
    controller.publish(services(web(1, 2)))
    controller.report(key(2), "refused")
    await dataplane.reaches(lambda now: open_numbers(now) == [1])
    controller.publish(services(web(1)))
    await dataplane.reaches(lambda now: numbers(now) == [1])


async def test_removed_service_is_dropped_with_its_last_connection(
        busy: Controller, dataplane: FakeDataplane) -> None:
    busy.publish({})
    await dataplane.reaches(lambda now: numbers(now) == [2])
    dataplane.connections[key(2)] = 0
    await dataplane.reaches(lambda now: not now.services)
    assert busy.table.next_deadline() is None


async def test_terminating_backend_stays_as_long_as_it_is_listed(busy: Controller, dataplane: FakeDataplane) -> None:
    dataplane.connections.clear()
    busy.publish(services(web(1, terminating(2), 3)))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2, 3])
    busy.publish(services(web(1, terminating(2))))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2])


async def test_backend_that_returns_before_it_is_dropped_is_used_again(
        busy: Controller, dataplane: FakeDataplane) -> None:
    busy.publish(services(web(1)))
    await dataplane.reaches(lambda now: not backend(now, 2).is_open)
    busy.publish(services(web(1, 2)))
    await dataplane.reaches(lambda now: backend(now, 2).is_open)
    dataplane.connections.clear()
    busy.report(key(1), "refused")
    await dataplane.reaches(lambda now: not backend(now, 1).is_open)
    assert numbers(dataplane.snapshot) == [1, 2]
