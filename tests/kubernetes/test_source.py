"""What is published while the API server works."""

import pytest

from lbproxy.sources.kubernetes.client import watch
from tests.support.fake_api import FakeApi
from tests.support.objects import LEAVING, a_slice, endpoint, port, service
from tests.support.waiting import until

from .conftest import Cluster, target

SLICES = "endpointslices"


async def test_change_of_a_slice_is_published(cluster: Cluster, server: FakeApi) -> None:
    cluster.follow()
    await cluster.says("10.0.0.1")
    server.put(SLICES, a_slice(endpoint("10.0.0.1", LEAVING), endpoint("10.0.0.2")))
    await cluster.says("10.0.0.1", "10.0.0.2")
    assert cluster.said[-1]["web"].endpoints[0].is_terminating


async def test_long_list_comes_in_pages(cluster: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAGE_SIZE", 2)
    for number in range(2, 6):
        server.put(SLICES, a_slice(endpoint(f"10.0.0.{number}"), name=f"web-{number}"))
    cluster.follow()
    await cluster.says(*(f"10.0.0.{number}" for number in range(1, 6)))
    assert server.count("list", SLICES) == 3


async def test_endpoint_that_moves_to_another_slice_never_vanishes(cluster: Cluster, server: FakeApi) -> None:
    cluster.follow(coalesce=0.1)
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(SLICES))
    server.delete(SLICES, "web-1")
    server.put(SLICES, a_slice(endpoint("10.0.0.1"), endpoint("10.0.0.2"), name="web-2"))
    await cluster.says("10.0.0.1", "10.0.0.2")
    assert all("10.0.0.1" in [found.address.host for found in said["web"].endpoints] for said in cluster.said)


async def test_deleted_slice_takes_nothing_that_another_has(cluster: Cluster, server: FakeApi) -> None:
    server.put(SLICES, a_slice(endpoint("10.0.0.1"), endpoint("10.0.0.2"), name="web-2"))
    cluster.follow()
    await cluster.says("10.0.0.1", "10.0.0.2")
    server.put(SLICES, a_slice(endpoint("10.0.0.1"), endpoint("10.0.0.3")))
    await cluster.says("10.0.0.1", "10.0.0.2", "10.0.0.3")
    server.delete(SLICES, "web-1")
    await cluster.says("10.0.0.1", "10.0.0.2")


async def test_port_is_found_by_name_in_each_slice(cluster: Cluster, server: FakeApi) -> None:
    server.put("services", service(ports=[port(80, "http"), port(81, "admin")]))
    server.put(SLICES, a_slice(endpoint("10.0.0.2"), name="web-2", ports=[port(9, "admin"), port(8081)]))
    cluster.follow(target("default/web", 80))
    await cluster.says("10.0.0.1", "10.0.0.2")
    assert [found.address.port for found in cluster.said[-1]["web"].endpoints] == [8080, 8081]


async def test_port_that_is_renamed_is_followed(cluster: Cluster, server: FakeApi) -> None:
    server.put(SLICES, a_slice(endpoint("10.0.0.2"), name="web-2", ports=[port(8080, "web")]))
    cluster.follow()
    await cluster.says("10.0.0.1")
    server.put("services", service(ports=[port(80, "web")]))
    await cluster.says("10.0.0.2")


async def test_empty_list_is_an_answer(cluster: Cluster, server: FakeApi) -> None:
    server.delete(SLICES, "web-1")
    cluster.follow()
    await cluster.says()


async def test_nothing_is_said_before_every_service_was_seen(cluster: Cluster, server: FakeApi) -> None:
    server.fail(500, "list", SLICES, times=3)
    server.put("services", service("api"), "other")
    cluster.follow(target("default/web"), target("other/api"))
    await cluster.says("10.0.0.1")
    assert all(said.keys() == {"web", "api"} for said in cluster.said)
    assert cluster.backends("api") == []


async def test_many_events_are_few_publications(cluster: Cluster, server: FakeApi) -> None:
    cluster.follow(coalesce=0.05)
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(SLICES))
    for number in range(2000):
        server.put(SLICES, a_slice(endpoint(f"10.0.{number // 250}.{number % 250 + 2}")))
    await cluster.says("10.0.7.251")
    assert len(cluster.said) < 40


async def test_what_changes_nothing_is_not_published(cluster: Cluster, server: FakeApi) -> None:
    cluster.follow()
    await cluster.says("10.0.0.1")
    server.put(SLICES, a_slice(endpoint("10.0.0.1"), spice="none"))
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
    assert len(cluster.said) == 2


async def test_change_of_one_service_leaves_the_others_the_same_objects(cluster: Cluster, server: FakeApi) -> None:
    server.put("services", service("api"), "other")
    cluster.follow(target("default/web"), target("other/api"))
    await cluster.says("10.0.0.1")
    await until(lambda: cluster.said[-1]["api"].is_known)
    before = cluster.said[-1]["api"]
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
    assert cluster.said[-1]["api"] is before
