"""The dashboard is one that Grafana reads, field for field, and every panel fits in its place."""

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from .dashboard import dashboard, panels

grafana = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder")
plugins = pytest.importorskip("grafana_foundation_sdk.cog.plugins")

BEYOND = {".annotations.list[0].titleFormat", ".annotations.list[0].textFormat"}
"""What Grafana's Prometheus plugin reads of an annotation, and the schema of dashboards leaves to it."""


def test_every_field_is_one_that_grafana_knows() -> None:
    assert set(lost(dashboard(), read_by_grafana(dashboard()))) == BEYOND


def test_a_misspelt_field_would_be_found() -> None:
    misspelt = {**dashboard(), "panels": [{**panel, "tittle": "x"} for panel in panels()[:1]]}
    assert ".panels[0].tittle" in set(lost(misspelt, read_by_grafana(misspelt)))


def test_panels_do_not_overlap_and_are_named_and_numbered_once() -> None:
    everything = dashboard()["panels"]
    assert not [(one["title"], other["title"]) for one, other in combinations(everything, 2) if overlap(one, other)]
    for key in ("id", "title"):
        assert len({panel[key] for panel in everything}) == len(everything)


def test_every_panel_asks_the_data_source_that_was_chosen_for_the_instances_that_were() -> None:
    for panel in panels():
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert '$instance"' in target["expr"] or "ALERTS" in target["expr"]


def test_services_can_be_chosen_wherever_there_are_some() -> None:
    for panel in panels():
        for target in panel["targets"]:
            names_service = "service" in target["expr"].replace("$service", "")
            assert ('service=~"$service"' in target["expr"]) or not names_service or "watch" in target["expr"]


def read_by_grafana(document: dict[str, Any]) -> dict[str, Any]:
    """The document after it was read into Grafana's own types, which drop what they don't know, and written again."""
    plugins.register_default_plugins()
    again: dict[str, Any] = json.loads(json.dumps(grafana.Dashboard.from_json(document), cls=encoder.JSONEncoder))
    return again


def lost(before: object, after: object, path: str = "") -> Iterator[str]:
    """Every place in which they differ, apart from what was added."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}[{index}]")
    elif before != after:
        yield path


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    return bool(a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
                and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])
