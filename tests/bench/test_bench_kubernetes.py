"""The cluster and the API server that the Kubernetes benchmark measures against, as lbproxy reads them."""

import json
from collections.abc import Sequence

import pytest

from bench.backends import Backends
from bench.kubernetes.api import Collection, selected
from bench.kubernetes.cluster import SCALES, Cluster, Json, Scale
from bench.kubernetes.results import Row
from lbproxy.model.snapshot import State
from lbproxy.sources.kubernetes.client.answers import read_event
from lbproxy.sources.kubernetes.client.api_connection import ExpiredError
from lbproxy.sources.kubernetes.service_endpoints import merged

SMALL = Scale("small", 3, 4)


def ready(slices: Sequence[Json]) -> set[str]:
    return {str(endpoint.address) for endpoint in merged(slices, "http").endpoints if endpoint.is_ready}


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.name)
def test_scales_have_ten_thousand_endpoints_in_slices_of_at_most_a_hundred(scale: Scale) -> None:
    cluster = Cluster(scale, Backends(80))
    assert len(ready(list(cluster.slices().values()))) == 10_000
    assert len(cluster.slices()) == max(scale.services, 100)
    assert len(cluster.services) == scale.services


def test_each_change_is_one_endpoint_that_goes_and_then_comes_back() -> None:
    cluster = Cluster(SMALL, Backends(80))
    everyone = ready(list(cluster.slices().values()))
    for number in range(40):
        change = cluster.change(number)
        there = ready(list(cluster.slices().values()))
        assert (change.backend in there) == (change.state == State.ACTIVE)
        assert len(everyone) - len(there) == (number + 1) % 2


def test_pages_make_up_the_whole_list() -> None:
    collection = Collection(Cluster(SMALL, Backends(80)).slices())
    first = collection.page({"limit": "2"})
    rest = collection.page({"limit": "2", "continue": "2"})
    assert [first["metadata"], rest["metadata"]] == [
        {"resourceVersion": "1", "continue": "2"}, {"resourceVersion": "1"}]
    assert len([*_items(first), *_items(rest)]) == 3


def test_watch_resumes_after_its_version_and_is_gone_after_too_many_changes() -> None:
    cluster = Cluster(SMALL, Backends(80))
    collection = Collection(cluster.slices())
    lines = [collection.put("web-0-0", cluster.slice("web-0-0")).line for _ in range(1_001)]
    assert collection.since(1_001) == lines[-1:]
    assert read_event(lines[-1]).version == "1002"
    with pytest.raises(ExpiredError):
        read_event(collection.since(1)[0])


def test_selectors_choose_by_label_and_by_name() -> None:
    item = Cluster(SMALL, Backends(80)).slice("web-0-0")
    queries = [{"labelSelector": "kubernetes.io/service-name"}, {"labelSelector": "kubernetes.io/service-name=web-0"},
               {"labelSelector": "kubernetes.io/service-name=web-1"}, {"fieldSelector": "metadata.name=web-0-0"},
               {"fieldSelector": "metadata.name=web-1"}, {}]
    assert [selected(json.loads(json.dumps(item)), query) for query in queries] == [
        True, True, False, True, False, True]


def test_figure_of_a_row_is_the_median_of_its_rounds() -> None:
    assert Row("web", [{"main_ms": 1.0}, {"main_ms": 9.0}, {"main_ms": 2.0}]).middle("main_ms") == 2.0


def _items(page: Json) -> list[object]:
    items = page["items"]
    assert isinstance(items, list)
    return items
