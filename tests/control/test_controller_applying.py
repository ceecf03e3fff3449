"""Whatever changes is applied: the latest state, once."""

import asyncio
from time import monotonic

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from lbproxy.control import backend_state
from lbproxy.control.controller import Controller
from lbproxy.model.drain_orders import BY_OPERATOR, DrainOrder
from lbproxy.model.errors import DataplaneError
from lbproxy.model.snapshot import Snapshot
from tests.support.waiting import until

from .fake_dataplane import FakeDataplane
from .values import backend, key, numbers, open_numbers, services, web


async def test_published_services_are_applied_and_reported(
        controller: Controller, dataplane: FakeDataplane, told: list[Snapshot]) -> None:
    controller.publish(services(web(1, 2)))
    snapshot = await dataplane.reaches(lambda now: numbers(now) == [1, 2])
    await asyncio.sleep(0)
    assert controller.applied is snapshot
    assert told == [snapshot]


async def test_what_came_before_it_ran_is_applied_once_as_the_latest(
        idle: Controller, dataplane: FakeDataplane) -> None:
    for size in (2, 3, 4):
        idle.publish(services(web(*range(1, size))))
    task = asyncio.create_task(idle.run())
    await dataplane.reaches(lambda now: numbers(now) == [1, 2, 3])
    task.cancel()
    assert len(dataplane.attempts) == 1


async def test_latest_wins_while_the_dataplane_is_slow(controller: Controller, dataplane: FakeDataplane) -> None:
    dataplane.may_go_on.clear()
    controller.publish(services(web(1)))
    await dataplane.is_asked(times=1)
    for size in (3, 4, 5):
        controller.publish(services(web(*range(1, size))))
    dataplane.may_go_on.set()
    await dataplane.reaches(lambda now: numbers(now) == [1, 2, 3, 4])
    assert [len(numbers(snapshot)) for snapshot in dataplane.attempts] == [1, 4]


async def test_nothing_new_is_not_applied_again(controller: Controller, dataplane: FakeDataplane) -> None:
    controller.publish(services(web(1)))
    await dataplane.reaches(lambda now: numbers(now) == [1])
    controller.publish(services(web(1)))
    await until(lambda: not controller._wake.is_set())
    controller.report(key(1), None)
    await until(lambda: not controller._wake.is_set())
    controller.publish(services(web(1, 2)))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2])
    assert len(dataplane.attempts) == 2


async def test_verdict_of_a_check_is_applied(controller: Controller, dataplane: FakeDataplane) -> None:
    controller.publish(services(web(1, 2)))
    controller.report(key(1), "refused")
    await dataplane.reaches(lambda now: open_numbers(now) == [2])
    controller.report(key(1), None)
    await dataplane.reaches(lambda now: open_numbers(now) == [1, 2])


async def test_ejection_is_applied_counted_and_ends_by_itself(
        controller: Controller, dataplane: FakeDataplane, registry: CollectorRegistry,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_state, "FIRST_EJECTION", 0.5)  # not over before it is applied, on a busy machine too
    controller.publish(services(web(1, 2)))
    with capture_logs() as logs:
        controller.eject(key(1))
        controller.eject(key(1))
    await dataplane.reaches(lambda now: open_numbers(now) == [2])
    await dataplane.reaches(lambda now: open_numbers(now) == [1, 2])
    assert registry.get_sample_value("lbproxy_ejections_total", {"service": "web"}) == 1
    assert [(line["event"], line["backend"], line["seconds"]) for line in logs] == [
        ("backend ejected", "192.0.2.1:80", 0.5)]


async def test_refused_snapshot_is_tried_again(
        controller: Controller, dataplane: FakeDataplane, registry: CollectorRegistry) -> None:
    dataplane.failures += [DataplaneError("a worker is late"), DataplaneError("a worker is late")]
    with capture_logs() as logs:
        controller.publish(services(web(1)))
        await dataplane.is_asked(times=2)
        assert registry.get_sample_value("lbproxy_in_sync") == 0
        assert (controller.applied, controller.trouble) == (None, "a worker is late")
        await until(lambda: not controller.trouble)
    assert len(dataplane.attempts) == 3
    assert registry.get_sample_value("lbproxy_in_sync") == 1
    assert registry.get_sample_value("lbproxy_sync_failures_total") == 2
    assert registry.get_sample_value("lbproxy_sync_duration_seconds_count") == 3
    assert [line["event"] for line in logs] == [
        "out of sync, keeping the last applied state", "backend changed", "in sync again"]


async def test_change_is_tried_at_once_even_if_the_last_one_was_refused(
        controller: Controller, dataplane: FakeDataplane) -> None:
    dataplane.failures.append(DataplaneError("a worker is late"))
    controller.publish(services(web(1)))
    await dataplane.is_asked(times=1)
    controller.publish(services(web(1, 2)))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2])
    assert len(dataplane.attempts) == 2


async def test_ignored_checks_are_logged_once_and_so_is_their_return(
        controller: Controller, dataplane: FakeDataplane, registry: CollectorRegistry) -> None:
    panic = ("lbproxy_health_panic", {"service": "web"})
    with capture_logs() as logs:
        controller.publish(services(web(1)))
        controller.report(key(1), "refused")
        await dataplane.is_asked(times=1)
        assert registry.get_sample_value(*panic) == 1
        controller.publish(services(web(1, 2)))
        await dataplane.reaches(lambda now: open_numbers(now) == [2])
    assert registry.get_sample_value(*panic) == 0
    assert [line["log_level"] for line in logs if "check" in line["event"]] == ["error", "warning"]


async def test_what_the_dataplane_cannot_keep_shows_until_it_can_again(
        controller: Controller, dataplane: FakeDataplane, registry: CollectorRegistry) -> None:
    controller.publish(services(web(1)))
    await dataplane.reaches(lambda now: numbers(now) == [1])
    controller.note_drift("the kernel refuses")
    await until(lambda: controller.trouble == "the kernel refuses")
    assert registry.get_sample_value("lbproxy_in_sync") == 0
    controller.note_drift("")
    await until(lambda: not controller.trouble)
    assert registry.get_sample_value("lbproxy_in_sync") == 1


async def test_order_is_applied_and_ended(controller: Controller, dataplane: FakeDataplane) -> None:
    controller.publish(services(web(1, 2)))
    await dataplane.reaches(lambda now: open_numbers(now) == [1, 2])
    assert controller.drain(key(1), DrainOrder())
    await dataplane.reaches(lambda now: open_numbers(now) == [2])
    assert controller.undrain(key(1))
    await dataplane.reaches(lambda now: open_numbers(now) == [1, 2])
    assert not controller.drain(key(9), DrainOrder())
    assert not controller.undrain(key(1))


async def test_connections_are_reset_at_an_orders_deadline_though_the_dataplane_refuses_at_first(
        controller: Controller, dataplane: FakeDataplane) -> None:
    controller.publish(services(web(1, 2)))
    await dataplane.reaches(lambda now: numbers(now) == [1, 2])
    dataplane.failures.append(DataplaneError("busy"))
    controller.drain(key(1), DrainOrder(deadline=monotonic()))
    await dataplane.reaches(lambda now: numbers(now) == [2])
    back = await dataplane.reaches(lambda now: numbers(now) == [1, 2])
    assert (backend(back, 1).reason, backend(back, 1).deadline) == (BY_OPERATOR, None)
    assert not dataplane.failures
