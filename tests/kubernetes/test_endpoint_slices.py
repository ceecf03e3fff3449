"""What slices mean: each line of the rules is a row of a table here."""

import itertools
from collections.abc import Mapping

import pytest

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.kubernetes.endpoint_slice import LAST_CHANGE
from lbproxy.sources.kubernetes.service_endpoints import merged
from tests.support.objects import LEAVING, LEAVING_BROKEN, NOT_READY, READY, Json, a_slice, endpoint, port

ONE = Address("10.0.0.1", 8080)


def addresses(*slices: object, port_name: str = "http") -> list[str]:
    return [str(found.address) for found in merged(slices, port_name).endpoints]


@pytest.mark.parametrize(("conditions", "ready", "serving", "terminating"), [
    (READY, True, True, False),
    (LEAVING, False, True, True),
    (LEAVING_BROKEN, False, False, True),
    (NOT_READY, False, False, False),
    ({}, True, True, False),
    ({"ready": None, "serving": None, "terminating": None}, True, True, False),
    ({"ready": False}, False, False, False),
    ({"ready": True, "serving": False}, True, True, False),
    ({"ready": False, "terminating": True}, False, False, True),
    ({"ready": True, "serving": True, "terminating": True}, True, True, False),  # publishNotReadyAddresses
])
def test_conditions_become_flags(
        conditions: Mapping[str, object], ready: bool, serving: bool, terminating: bool) -> None:  # noqa: FBT001
    found, = merged([a_slice(endpoint("10.0.0.1", conditions))], "http").endpoints
    assert found == Endpoint(ONE, 1, ready, serving, terminating)


def test_endpoint_says_which_slice_it_is_from_and_is_the_same_if_that_is_all_that_changes() -> None:
    one, other = (merged([{**a_slice(endpoint("10.0.0.1")), "metadata": metadata}], "http").endpoints[0]
                  for metadata in ({"name": "web-abcde"}, {"name": 7}))
    assert (one.origin, other.origin) == ("slice web-abcde", "")
    assert one == other


def test_endpoint_without_conditions_is_ready() -> None:
    assert merged([a_slice({"addresses": ["10.0.0.1"], "conditions": None})], "http").endpoints == (Endpoint(ONE),)


def test_slices_of_any_writer_count() -> None:
    custom = a_slice(endpoint("10.0.0.2"), name="by-hand")
    custom["metadata"] = {"name": "by-hand"}
    assert addresses(a_slice(endpoint("10.0.0.1")), custom) == ["10.0.0.1:8080", "10.0.0.2:8080"]


@pytest.mark.parametrize("better_first", [True, False])
@pytest.mark.parametrize(("better", "worse"), list(
    itertools.combinations([READY, LEAVING, NOT_READY, LEAVING_BROKEN], 2)))
def test_address_in_two_slices_is_what_makes_it_most_available(
        better: Json, worse: Json, better_first: bool) -> None:  # noqa: FBT001
    alone = merged([a_slice(endpoint("10.0.0.1", better))], "http").endpoints
    slices = [a_slice(endpoint("10.0.0.1", better)), a_slice(endpoint("10.0.0.1", worse), name="web-2")]
    assert merged(slices if better_first else slices[::-1], "http").endpoints == alone


def test_one_name_may_be_a_different_number_in_each_slice() -> None:
    assert addresses(a_slice(endpoint("10.0.0.1"), ports=[port(1)]),
                     a_slice(endpoint("10.0.0.2"), ports=[port(2)])) == ["10.0.0.1:1", "10.0.0.2:2"]


def test_port_is_found_by_its_name_among_others() -> None:
    ports = [port(53, "dns", "UDP"), port(9, "admin"), port(53, "dns")]
    assert addresses(a_slice(endpoint("10.0.0.1"), ports=ports), port_name="dns") == ["10.0.0.1:53"]


@pytest.mark.parametrize("name", ["", None])
def test_only_port_may_have_no_name(name: str | None) -> None:
    assert addresses(a_slice(endpoint("10.0.0.1"), ports=[port(80, name)]), port_name="") == ["10.0.0.1:80"]


def test_protocol_that_is_not_said_is_tcp() -> None:
    assert addresses(a_slice(endpoint("10.0.0.1"), ports=[port(80, protocol=None)])) == ["10.0.0.1:80"]


@pytest.mark.parametrize("ports", [
    [], [port(None)], [port(80, protocol="UDP")], [port(80, protocol="SCTP")], [port(80, name="other")]])
def test_slice_without_the_port_adds_nothing_and_is_no_mistake(ports: list[Json]) -> None:
    reading = merged([a_slice(endpoint("10.0.0.1"), ports=ports)], "http")
    assert (reading.endpoints, reading.skipped) == ((), ())


def test_nulls_of_a_service_without_endpoints_are_no_mistake() -> None:
    reading = merged([{"addressType": "IPv4", "ports": None, "endpoints": None}], "http")
    assert (reading.endpoints, reading.skipped) == ((), ())


def test_only_the_first_address_counts() -> None:
    assert addresses(a_slice({"addresses": ["10.0.0.1", "10.0.0.2"]})) == ["10.0.0.1:8080"]


def test_dual_stack_is_two_slices() -> None:
    assert addresses(a_slice(endpoint("10.0.0.1")), a_slice(endpoint("FD00::0:1"), addressType="IPv6")) == [
        "10.0.0.1:8080", "[fd00::1]:8080"]


def test_latest_change_is_reported() -> None:
    def changed(time: object) -> Json:
        return a_slice(metadata={"annotations": {LAST_CHANGE: time}})

    times = ["2026-01-01T00:00:01.5Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:09", "soon", 7]
    assert merged(map(changed, times), "http").changed_at == 1767225601.5
    assert merged([a_slice()], "http").changed_at is None


ODD_ADDRESSES = ["web.example", "", "10.0.0.1%eth0", "fe80::1%eth0", "fe80::1", "169.254.1.1", "0.0.0.0", "224.0.0.1",
                 "fd00::1", "10.0.0.1:80", 7, None, [], "10.0.0.1\n", "1" * 5000]


@pytest.mark.parametrize("address", ODD_ADDRESSES)
def test_odd_address_is_skipped_alone_with_a_reason(address: object) -> None:
    reading = merged([a_slice({"addresses": [address]}, endpoint("10.0.0.1"))], "http")
    assert reading.endpoints == (Endpoint(ONE),)
    reason, = reading.skipped
    assert reason.isprintable()
    assert len(reason) < 150


@pytest.mark.parametrize("odd", [
    7, None, [], {"addresses": []}, {"addresses": "10.0.0.2"}, {"addresses": ["10.0.0.2"], "conditions": "ready"},
    {"addresses": ["10.0.0.2"], "conditions": {"ready": "yes"}},
    {"addresses": ["10.0.0.2"], "conditions": {"terminating": 1}}])
def test_odd_endpoint_is_skipped_alone_with_a_reason(odd: object) -> None:
    reading = merged([{**a_slice(), "endpoints": [odd, endpoint("10.0.0.1")]}], "http")
    assert reading.endpoints == (Endpoint(ONE),)
    assert len(reading.skipped) == 1


@pytest.mark.parametrize("odd", [
    7, "slice", {"addressType": "FQDN"}, {"addressType": 4}, {}, {"addressType": "IPv4", "ports": "http"},
    a_slice(endpoint("10.0.0.2"), addressType="FQDN"), a_slice(endpoint("10.0.0.2"), ports=[port(0)]),
    a_slice(endpoint("10.0.0.2"), ports=[port(65536)]), a_slice(endpoint("10.0.0.2"), ports=[port(10 ** 5000)]),
    a_slice(endpoint("10.0.0.2"), ports=[port("80")]), a_slice(endpoint("10.0.0.2"), ports=[port(80.0)]),
    a_slice(endpoint("10.0.0.2"), ports=[port(protocol=6)]), {**a_slice(), "endpoints": {}}])
def test_odd_slice_is_skipped_alone_with_a_reason(odd: object) -> None:
    reading = merged([odd, a_slice(endpoint("10.0.0.1"))], "http")
    assert reading.endpoints == (Endpoint(ONE),)
    assert len(reading.skipped) == 1
