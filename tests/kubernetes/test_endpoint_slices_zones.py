"""Hints for zones (KEP-2433): used only if every ready endpoint has some, and one is meant for our zone."""

from lbproxy.sources.kubernetes.service_endpoints import merged
from tests.support.objects import LEAVING, NOT_READY, Json, a_slice, endpoint


def weights(*endpoints: Json, zone: str = "a") -> list[int]:
    return [found.weight for found in merged([a_slice(*endpoints)], "http", zone).endpoints]


def test_endpoints_of_other_zones_get_no_new_connections_and_keep_theirs() -> None:
    assert weights(endpoint("10.0.0.1", zones="a"), endpoint("10.0.0.2", zones="b"),
                   endpoint("10.0.0.3", zones=["b", "a"])) == [1, 0, 1]


def test_without_a_zone_hints_are_ignored() -> None:
    assert weights(endpoint("10.0.0.1", zones="a"), endpoint("10.0.0.2", zones="b"), zone="") == [1, 1]


def test_one_ready_endpoint_without_hints_disables_all_hints() -> None:
    assert weights(endpoint("10.0.0.1", zones="a"), endpoint("10.0.0.2", zones="b"), endpoint("10.0.0.3")) == [1] * 3


def test_zone_without_endpoints_of_its_own_uses_all() -> None:
    assert weights(endpoint("10.0.0.1", zones="b"), endpoint("10.0.0.2", zones="c")) == [1, 1]


def test_hints_of_endpoints_that_are_not_ready_are_ignored() -> None:
    assert weights(endpoint("10.0.0.1", NOT_READY, "a"), endpoint("10.0.0.2", zones="b")) == [1, 1]
    assert weights(endpoint("10.0.0.1", LEAVING), endpoint("10.0.0.2", zones="a"),
                   endpoint("10.0.0.3", zones="b")) == [1, 1, 0]


def test_hint_of_a_wrong_type_is_no_hint() -> None:
    for hints in ("a", {"forZones": "a"}, {"forZones": ["a"]}, {"forZones": [{"name": 7}]}):
        assert weights(endpoint("10.0.0.1", zones="a"), endpoint("10.0.0.2", zones="b"),
                       {**endpoint("10.0.0.3"), "hints": hints}) == [1, 1, 1]
