"""The rules as Prometheus reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
RULES = REPOSITORY / "deploy" / "monitoring" / "rules.yaml"

Rule = dict[str, Any]


def groups() -> list[dict[str, Any]]:
    """Every group with its rules."""
    found: list[dict[str, Any]] = YAML(typ="safe").load(RULES)["groups"]
    return found


def rules() -> Iterator[Rule]:
    """Every rule, in order."""
    for group in groups():
        yield from group["rules"]


def alerts() -> dict[str, Rule]:
    """Every alert by its name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def records() -> dict[str, Rule]:
    """Every recording rule by the name of what it records."""
    return {rule["record"]: rule for rule in rules() if "record" in rule}
