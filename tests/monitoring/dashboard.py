"""The dashboard and its queries, with the variables filled in as Grafana would."""

import json
from collections.abc import Iterator
from typing import Any

from .rules import REPOSITORY

FILE = REPOSITORY / "deploy" / "monitoring" / "dashboard.json"
CHOSEN = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*", "$service": ".*"}


def dashboard() -> dict[str, Any]:
    """The whole of it."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def panels() -> list[dict[str, Any]]:
    """All panels that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def queries() -> Iterator[str]:
    """Every query of every panel."""
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in CHOSEN.items():
                expression = expression.replace(variable, value)
            yield expression


def variables() -> Iterator[str]:
    """The series that variables take their values from."""
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"].removeprefix("label_values(").rpartition(",")[0].replace("$job", ".*")
