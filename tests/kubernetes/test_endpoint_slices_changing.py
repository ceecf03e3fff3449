"""Slices are read again only if they changed; whatever has happened, the outcome is that of reading all of them."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as some

from lbproxy.sources.kubernetes.endpoint_slice import LAST_CHANGE
from lbproxy.sources.kubernetes.service_endpoints import SliceMerger, merged
from tests.support.objects import LEAVING, NOT_READY, READY, Json, a_slice, endpoint

HOSTS = some.sampled_from([f"10.0.0.{last}" for last in range(6)])
ENDPOINTS = some.lists(some.builds(
    endpoint, HOSTS, some.sampled_from([READY, LEAVING, NOT_READY]), some.lists(some.sampled_from("ab"), max_size=2)),
    max_size=5)
CONTENTS = some.sampled_from([a_slice(endpoint("10.0.0.1")), a_slice(endpoint("10.0.0.2", LEAVING))]) | ENDPOINTS.map(
    lambda found: a_slice(*found)) | some.just(a_slice(endpoint("nowhere")))
SETS = some.dictionaries(some.sampled_from(["web-1", "web-2", "web-3"]), CONTENTS)


@given(some.lists(SETS, max_size=6), some.sampled_from(["", "a"]))
@settings(max_examples=200, deadline=None)
def test_slices_that_come_change_and_go_give_what_those_of_now_give(
        history: list[Mapping[str, Json]], zone: str) -> None:
    slices = SliceMerger("http", zone)
    for contents in history:
        assert slices.merge(contents) == merged(contents.values(), "http", zone)


def test_endpoints_that_did_not_change_are_the_same_objects_as_before() -> None:
    slices, one, other = SliceMerger("http"), endpoint("10.0.0.1"), a_slice(endpoint("10.0.0.3"))
    before, after = (
        slices.merge({"web-1": a_slice(one, endpoint("10.0.0.2", conditions)), "web-2": other}).endpoints
        for conditions in (READY, NOT_READY))
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_time_of_the_last_change_never_goes_back_to_that_of_another_slice() -> None:
    def dated(time: str, *endpoints: Json) -> Json:
        annotations = {"annotations": {LAST_CHANGE: time}} if time else {}
        return a_slice(*endpoints, metadata=annotations)

    slices, old = SliceMerger("http"), dated("2026-01-01T00:00:00Z")
    latest = slices.merge({"web-1": old, "web-2": dated("2026-01-01T01:00:00Z")}).changed_at
    assert slices.merge({"web-1": old, "web-2": dated("", endpoint("10.0.0.1"))}).changed_at == latest
    assert slices.merge({"web-1": old}).changed_at == latest
    assert slices.merge({}).changed_at == latest
