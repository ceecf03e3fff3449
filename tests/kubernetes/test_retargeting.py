"""What is followed changes while it is followed."""

import pytest

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Endpoint, ServiceSpec
from lbproxy.sources.base import WantedService, WantedServices
from lbproxy.sources.fixed import FixedBackends
from lbproxy.sources.kubernetes.client.collection import ServiceName, services_of, slices_of
from lbproxy.sources.kubernetes.watches import collections_of
from tests.support.fake_api import FakeApi
from tests.support.objects import Json, a_slice, endpoint, port, service
from tests.support.waiting import until

from .conftest import Cluster, target

SLICES = "endpointslices"
FIXED = WantedService(ServiceSpec("fixed", (), ()), (FixedBackends((Endpoint(Address("192.0.2.1", 80)),)),))


def all_of(*services: WantedService) -> WantedServices:
    return {wanted.spec.name: wanted for wanted in services}


def of(name: str, *endpoints: Json) -> Json:
    """A slice of another Service than web."""
    return a_slice(*endpoints, name=f"{name}-1") | {
        "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}}


def put(server: FakeApi, name: str, host: str) -> None:
    server.put("services", service(name))
    server.put(SLICES, of(name, endpoint(host)))


async def test_service_that_joins_disturbs_no_watch(cluster: Cluster, server: FakeApi) -> None:
    put(server, "api", "10.0.1.1")
    source = cluster.follow()
    await cluster.says("10.0.0.1")
    source.take(all_of(target("default/web"), target("default/api"), FIXED))
    await cluster.says("10.0.1.1", name="api")
    assert cluster.backends() == ["10.0.0.1"]
    assert cluster.backends("fixed") == ["192.0.2.1"]
    assert server.count("list", SLICES) == 2
    assert all(said["web"].endpoints for said in cluster.said)


async def test_service_that_leaves_is_followed_no_more(cluster: Cluster, server: FakeApi) -> None:
    put(server, "api", "10.0.1.1")
    source = cluster.follow(target("default/web"), target("default/api"))
    await cluster.says("10.0.1.1", name="api")
    source.take(all_of(target("default/web")))
    await until(lambda: cluster.said[-1].keys() == {"web"})
    await until(lambda: cluster.registry.get_sample_value(
        "lbproxy_watch_up", {"service": "default/api", "resource": SLICES}) is None)
    assert cluster.metric("lbproxy_watch_up") == 1


async def test_service_that_turns_to_another_keeps_its_backends_until_the_others_are_known(
        cluster: Cluster, server: FakeApi) -> None:
    source = cluster.follow()
    await cluster.says("10.0.0.1")
    server.fail(500, "list", "services", times=3)
    put(server, "api", "10.0.1.1")
    source.take(all_of(target("default/api", as_name="web")))
    await cluster.says("10.0.1.1")
    assert all(said["web"].endpoints for said in cluster.said)


async def test_second_port_of_a_service_that_is_followed_already_is_known_at_once(
        cluster: Cluster, server: FakeApi) -> None:
    server.put("services", service(ports=[port(80, "http"), port(81, "admin")]))
    server.put(SLICES, a_slice(endpoint("10.0.0.1"), ports=[port(8080), port(9090, "admin")]))
    source = cluster.follow(target("default/web", "http"))
    await cluster.says("10.0.0.1")
    again = target("default/web", "admin", as_name="admin")
    source.take(all_of(target("default/web", "http"), again))
    await cluster.says("10.0.0.1", name="admin")
    assert [found.address.port for found in cluster.said[-1]["admin"].endpoints] == [9090]
    assert server.count("list", SLICES) == 1


async def test_many_services_of_a_namespace_share_its_watches(cluster: Cluster, server: FakeApi) -> None:
    names = [f"s{number}" for number in range(6)]
    for number, name in enumerate(names):
        put(server, name, f"10.0.1.{number}")
    put(server, "stranger", "10.0.9.9")
    cluster.follow(*(target(f"default/{name}") for name in names))
    for number, name in enumerate(names):
        await cluster.says(f"10.0.1.{number}", name=name)
    await until(lambda: server.watched(SLICES, "services"))
    assert (server.count("list", SLICES), server.count("list", "services"), len(server.streams)) == (1, 1, 2)
    server.put(SLICES, of("s3", endpoint("10.0.2.3")))
    await cluster.says("10.0.2.3", name="s3")
    server.put(SLICES, of("s3", endpoint("10.0.2.3")) | {"metadata": {
        "name": "s3-1", "labels": {"kubernetes.io/service-name": "s4"}}})
    await cluster.says("10.0.1.4", "10.0.2.3", name="s4")
    await cluster.says(name="s3")
    assert all(said.keys() == set(names) for said in cluster.said)


async def test_services_that_become_many_keep_their_backends_and_their_series(
        cluster: Cluster, server: FakeApi) -> None:
    specs = [target(f"default/s{number}") for number in range(7)]
    for number in range(7):
        put(server, f"s{number}", f"10.0.1.{number}")
    source = cluster.follow(*specs[:6])
    await cluster.says("10.0.1.5", name="s5")
    source.take(all_of(*specs))
    await cluster.says("10.0.1.6", name="s6")
    first = cluster.said.index(next(said for said in cluster.said if all(
        said[name].endpoints for name in ("s0", "s1", "s2", "s3", "s4", "s5"))))
    assert all(said[f"s{number}"].endpoints for said in cluster.said[first:] for number in range(6))
    labels = {"service": "default/*", "resource": SLICES}
    await until(lambda: cluster.registry.get_sample_value("lbproxy_watch_up", labels) == 1)


@pytest.mark.parametrize("count", [1, 4])
def test_few_services_are_watched_one_by_one(count: int) -> None:
    names = [ServiceName("default", f"s{number}") for number in range(count)]
    found = collections_of(names)
    assert len(found) == 2 * count
    assert found[slices_of("default", "s0")] == found[services_of("default", "s0")] == {names[0]}


def test_many_services_are_watched_by_namespace() -> None:
    many = [ServiceName("default", f"s{number}") for number in range(5)]
    other = ServiceName("other", "web")
    found = collections_of([*many, other])
    assert found == {slices_of("default"): set(many), services_of("default"): set(many),
                     slices_of("other", "web"): {other}, services_of("other", "web"): {other}}
