"""The cache of a watch on slices: those that did not change are not read again."""

import copy

from lbproxy.sources.kubernetes.client.answers import Listing, WatchEvent
from lbproxy.sources.kubernetes.reference import KubernetesPort
from lbproxy.sources.kubernetes.service_port_watch import ServicePortWatch
from lbproxy.sources.kubernetes.watches import SliceCache
from tests.support.objects import LEAVING, Json, a_slice, endpoint, service

ONE, OTHER = a_slice(endpoint("10.0.0.1"), name="web-1"), a_slice(endpoint("10.0.0.2"), name="web-2")


def listing(*slices: Json) -> Listing:
    """A list of these, fresh from the server."""
    found = copy.deepcopy(slices)
    return Listing({f"web-{number}": content for number, content in enumerate(found, start=1)})


def read(cache: SliceCache, port: ServicePortWatch) -> list[int]:
    """What the port makes of the cache now: which objects its endpoints are."""
    cache.show(port)
    return [id(found) for found in port.read().endpoints]


def a_port() -> ServicePortWatch:
    port = ServicePortWatch(KubernetesPort("default", "web"))
    port.see_service(service())
    return port


def nested(depth: int) -> list[object]:
    nest: list[object] = []
    for _ in range(depth):
        nest = [nest]
    return nest


def test_list_that_says_the_same_again_gives_the_same_endpoints() -> None:
    cache, port = SliceCache(["web"]), a_port()
    cache.take(listing(ONE, OTHER))
    before = read(cache, port)
    cache.take(listing(ONE, OTHER))
    assert read(cache, port) == before


def test_list_in_which_one_slice_is_different_leaves_the_endpoints_of_the_others_alone() -> None:
    cache, port = SliceCache(["web"]), a_port()
    cache.take(listing(ONE, OTHER))
    first, second = read(cache, port)
    cache.take(listing(a_slice(endpoint("10.0.0.1", LEAVING), name="web-1"), OTHER))
    changed, kept = read(cache, port)
    assert (changed != first, kept) == (True, second)
    assert port.read().endpoints[0].is_terminating


def test_slice_nested_deeper_than_can_be_compared_is_taken_as_new() -> None:
    cache, port = SliceCache(["web"]), a_port()
    cache.take(Listing({"web-1": a_slice(endpoint("10.0.0.1"), spice=nested(100_000))}))
    first = read(cache, port)
    cache.take(Listing({"web-1": a_slice(endpoint("10.0.0.1", LEAVING), spice=nested(100_000))}))
    assert read(cache, port) != first
    cache.take(Listing({"web-1": a_slice(endpoint("10.0.0.1", LEAVING), spice=nested(100_000))}))
    assert [found.address.host for found in port.read().endpoints] == ["10.0.0.1"]


def test_event_about_one_slice_leaves_the_endpoints_of_the_others_alone() -> None:
    cache, port = SliceCache(["web"]), a_port()
    cache.take(listing(ONE, OTHER))
    _, second = read(cache, port)
    cache.take(WatchEvent("MODIFIED", "web-1", a_slice(endpoint("10.0.0.1", LEAVING), name="web-1"), "2"))
    assert read(cache, port)[1] == second
