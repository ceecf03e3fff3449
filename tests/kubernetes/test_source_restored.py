"""An API server that goes back to an older state, as after its etcd was restored from a backup, is followed there."""

import pytest
from structlog.typing import EventDict

from tests.support.fake_api import END, FakeApi
from tests.support.objects import a_slice, endpoint
from tests.support.waiting import until

from .conftest import Cluster

SLICES = "endpointslices"
BOTH = (SLICES, "services")


def relists(cluster: Cluster, reason: str, resource: str = SLICES) -> float:
    return cluster.metric("lbproxy_watch_relists_total", reason=reason, resource=resource) or 0.0


@pytest.fixture
async def restored(cluster: Cluster, server: FakeApi) -> Cluster:
    """It has published 10.0.0.2; the server is back at 10.0.0.1, and nobody has noticed."""
    cluster.follow()
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(*BOTH))
    backup = server.back_up()
    for _ in range(5):
        server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
    server.bookmark()
    server.restore(backup)
    return cluster


async def test_older_bookmark_leads_to_a_list_at_once(
        restored: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    server.bookmark()
    await restored.says("10.0.0.1")
    await until(lambda: server.watched(*BOTH))
    server.put(SLICES, a_slice(endpoint("10.0.0.3")))
    await restored.says("10.0.0.3")
    assert relists(restored, "restored") >= 1
    assert "the API server went back to an older state" in [line.get("error") for line in logs]
    assert restored.metric("lbproxy_watch_up") == 1


async def test_older_event_leads_to_a_list_at_once(restored: Cluster, server: FakeApi) -> None:
    server.put(SLICES, a_slice(endpoint("10.0.0.3"), name="web-3"))
    await restored.says("10.0.0.1", "10.0.0.3")
    assert relists(restored, "restored") == 1


async def test_older_list_of_services_makes_the_slices_be_listed_too(restored: Cluster, server: FakeApi) -> None:
    server.fail(410, "watch", "services", times=1)
    server.say(END, "services")
    await restored.says("10.0.0.1")
    assert relists(restored, "restored") == 1
    await until(lambda: server.watched(*BOTH))


async def test_older_list_of_slices_is_what_holds(restored: Cluster, server: FakeApi) -> None:
    server.fail(410, "watch", SLICES, times=1)
    server.say(END, SLICES)
    await restored.says("10.0.0.1")
    await until(lambda: relists(restored, "restored", "services") == 1 and server.watched(*BOTH))


async def test_same_bookmark_again_and_again_is_ordinary(cluster: Cluster, server: FakeApi) -> None:
    cluster.follow()
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(*BOTH))
    for _ in range(5):
        server.bookmark()
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
    assert server.count("list", SLICES) == 1
    assert relists(cluster, "restored") == 0
