"""A listen address that can't be had: it alone is left out, everything else goes on, and it is tried again."""

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from lbproxy.control.controller import Controller
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import Snapshot
from tests.support.waiting import until

from .fake_dataplane import FakeDataplane
from .values import LISTEN, OTHER_LISTEN, backend, key, numbers, open_numbers, services, web

THIRD_LISTEN = Address("192.0.2.200", 82)


def listens(snapshot: Snapshot) -> dict[str, tuple[Address, ...]]:
    return {name: service.listens for name, service in snapshot.services.items()}


@pytest.fixture
async def serving(controller: Controller, dataplane: FakeDataplane) -> Controller:
    """A controller that has applied one service; OTHER_LISTEN is somebody else's."""
    controller.publish(services(web(1, 2)))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2])
    dataplane.taken.add(OTHER_LISTEN)
    return controller


async def test_address_that_is_in_use_at_the_start_is_raised(idle: Controller, dataplane: FakeDataplane) -> None:
    dataplane.taken.add(LISTEN)
    idle.publish(services(web(1)))
    with pytest.raises(BindError):
        await idle.run()


async def test_only_what_cannot_be_bound_is_left_out(serving: Controller, dataplane: FakeDataplane) -> None:
    serving.publish(services(web(1, 3), web(1, name="new", listens=(OTHER_LISTEN,)),
                             web(1, name="newer", listens=(THIRD_LISTEN,))))
    snapshot = await dataplane.reaches(lambda now: open_numbers(now) == [1, 3])
    assert listens(snapshot) == {"web": (LISTEN,), "new": (), "newer": (THIRD_LISTEN,)}
    assert open_numbers(snapshot, "new") == [1]


async def test_several_addresses_that_cannot_be_bound_are_left_out(
        serving: Controller, dataplane: FakeDataplane) -> None:
    dataplane.taken.add(THIRD_LISTEN)
    with capture_logs() as logs:
        serving.publish(services(web(1, 2, 3, listens=(OTHER_LISTEN, LISTEN, THIRD_LISTEN))))
        await dataplane.is_asked(times=10)
    assert open_numbers(dataplane.snapshot) == [1, 2, 3]
    assert listens(dataplane.snapshot) == {"web": (LISTEN,)}
    assert [line["error"] for line in logs if line["event"] != "backend changed"] == [
        "can't listen on 192.0.2.200:81; can't listen on 192.0.2.200:82"]


async def test_service_that_cannot_move_stays_where_it_is(serving: Controller, dataplane: FakeDataplane) -> None:
    serving.publish(services(web(1, 3, listens=(OTHER_LISTEN,))))
    snapshot = await dataplane.reaches(lambda now: open_numbers(now) == [1, 3])
    assert listens(snapshot) == {"web": (LISTEN,)}


async def test_service_that_cannot_move_still_makes_room_for_another(
        serving: Controller, dataplane: FakeDataplane) -> None:
    serving.publish(services(web(1, listens=(OTHER_LISTEN,)), web(1, name="new")))
    snapshot = await dataplane.reaches(lambda now: numbers(now, "new") == [1])
    assert listens(snapshot) == {"web": (), "new": (LISTEN,)}


async def test_address_is_applied_once_it_is_free(
        serving: Controller, dataplane: FakeDataplane, registry: CollectorRegistry) -> None:
    with capture_logs() as logs:
        serving.publish(services(web(1, 2, listens=(OTHER_LISTEN,))))
        await dataplane.is_asked(times=5)
        assert registry.get_sample_value("lbproxy_in_sync") == 0
        dataplane.taken.clear()
        await dataplane.reaches(lambda now: listens(now) == {"web": (OTHER_LISTEN,)})
        serving.publish(services(web(1, listens=(OTHER_LISTEN,))))
        await dataplane.reaches(lambda now: open_numbers(now) == [1])
    assert registry.get_sample_value("lbproxy_in_sync") == 1
    assert serving.trouble == ""
    assert [line["event"] for line in logs if line["event"] != "backend changed"] == [
        "out of sync, keeping the last applied state", "in sync again"]


async def test_backends_and_checks_are_applied_meanwhile(serving: Controller, dataplane: FakeDataplane) -> None:
    serving.publish(services(web(1, 2), web(1, 2, name="new", listens=(OTHER_LISTEN,))))
    await dataplane.is_asked(times=4)
    serving.report(key(1), "refused")
    serving.report(key(2, "new"), "refused")
    snapshot = await dataplane.reaches(lambda now: open_numbers(now) == [2])
    assert open_numbers(snapshot, "new") == [1]


async def test_trouble_ends_when_no_service_has_the_address_any_more(
        serving: Controller, dataplane: FakeDataplane, registry: CollectorRegistry) -> None:
    serving.publish(services(web(1, 2, listens=(OTHER_LISTEN,))))
    await dataplane.is_asked(times=3)
    with capture_logs() as logs:
        serving.publish(services(web(1, 2)))
        await until(lambda: not serving.trouble)
    assert registry.get_sample_value("lbproxy_in_sync") == 1
    assert [line["event"] for line in logs] == ["in sync again"]


async def test_backends_do_not_flap_while_an_address_is_tried_again(
        serving: Controller, dataplane: FakeDataplane) -> None:
    before = backend(dataplane.snapshot, 1)
    with capture_logs() as logs:
        serving.publish(services(web(1, 2), web(3, name="new", listens=(OTHER_LISTEN,))))
        await dataplane.is_asked(times=8)
    assert backend(dataplane.snapshot, 1) is before
    changed = [line for line in logs if line["event"] == "backend changed"]
    assert [(line["service"], line["state"]) for line in changed] == [("new", "active")]


async def test_error_that_names_no_address_changes_nothing_and_is_tried_again(
        serving: Controller, dataplane: FakeDataplane) -> None:
    dataplane.failures.append(BindError("somewhere"))
    serving.publish(services(web(1, 2, 3)))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2, 3])
    assert [len(numbers(snapshot)) for snapshot in dataplane.attempts] == [2, 3, 3]
