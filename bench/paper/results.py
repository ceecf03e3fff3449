"""A run's samples and what they belong to, as one file of JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from bench.machine import Machine
from bench.paper.case import Point


@dataclass(slots=True)
class Results:
    """One run. It grows figure by figure."""

    started: str
    environment: str
    plan: str
    machine: Machine
    missing: dict[str, str]
    """Rows that can't run here, and why."""
    points: list[Point] = field(default_factory=list)

    def of(self, figure: str, words: Mapping[str, str | int] | None = None) -> list[Point]:
        """Return the points of a figure whose words include `words`."""
        wanted = (words or {}).items()
        return [point for point in self.points if point.figure == figure and wanted <= point.words.items()]


def environment() -> str:
    """Return whether this is a machine of its own or the virtual one that brings another kernel."""
    return "guest" if "virtme" in Path("/proc/cmdline").read_text() else "machine"


def save(results: Results, file: Path) -> None:
    """Write `results` as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(TypeAdapter(Results).dump_json(results, indent=1))


def load(file: Path) -> Results:
    """Read what `save` wrote."""
    return TypeAdapter(Results).validate_json(file.read_bytes())
