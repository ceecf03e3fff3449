"""What holds for any slices at all."""

from contextlib import suppress
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as some

from lbproxy.sources.kubernetes.service_endpoints import merged
from lbproxy.sources.kubernetes.service_port import ServiceError, port_name
from tests.support.objects import LEAVING, LEAVING_BROKEN, NOT_READY, READY, Json, a_slice, endpoint

SCALARS = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8) | some.sampled_from([
    "IPv4", "IPv6", "FQDN", "10.0.0.1", "fe80::1%eth0", "TCP", "http", 8080])
KEYS = some.sampled_from(["metadata", "annotations", "addressType", "ports", "name", "port", "protocol", "endpoints",
                          "addresses", "conditions", "ready", "serving", "terminating", "hints", "forZones", "spec"])
GARBAGE = some.recursive(SCALARS, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(
    KEYS, inner, max_size=6), max_leaves=25)
ENDPOINTS = some.builds(endpoint, some.sampled_from([f"10.0.0.{last}" for last in range(6)]),
                        some.sampled_from([READY, LEAVING, NOT_READY, LEAVING_BROKEN]),
                        some.lists(some.sampled_from("ab"), max_size=2))
UNHURRIED = settings(max_examples=60, deadline=None)
SLICES = some.lists(some.lists(ENDPOINTS, max_size=4).map(lambda found: a_slice(*found)), max_size=5)


@UNHURRIED
@given(SLICES, some.randoms(use_true_random=False), some.sampled_from(["", "a"]))
def test_order_of_slices_and_endpoints_is_of_no_matter(slices: list[Json], random: Random, zone: str) -> None:
    expected = merged(slices, "http", zone)
    shuffled = [a_slice(*random.sample(found, len(found))) for each in slices
                if isinstance(found := each["endpoints"], list)]
    random.shuffle(shuffled)
    assert merged(shuffled, "http", zone) == expected


@UNHURRIED
@given(SLICES)
def test_each_address_is_there_once(slices: list[Json]) -> None:
    found = [endpoint.address for endpoint in merged(slices, "http").endpoints]
    assert len(set(found)) == len(found)


@UNHURRIED
@given(some.lists(GARBAGE, max_size=3), GARBAGE)
def test_garbage_never_raises_and_takes_nothing_away(garbage: list[object], part: object) -> None:
    good = a_slice(endpoint("10.9.9.9"))
    half_good = {**good, "endpoints": [part, endpoint("10.9.9.8")]}
    found = [endpoint.address.host for endpoint in merged([*garbage, half_good, good], "http").endpoints]
    assert {"10.9.9.8", "10.9.9.9"} <= set(found)


@UNHURRIED
@given(GARBAGE)
def test_garbage_for_a_service_is_refused_in_words(garbage: object) -> None:
    with suppress(ServiceError):
        assert isinstance(port_name(garbage, None), str)
