"""What a run found: every sample it took, and the machine; kept as JSON and read back from it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from bench.machine import Machine
from bench.relay.measurement import Plan

Sample = dict[str, float]


@dataclass(frozen=True, slots=True)
class Finding:
    """The samples of one measurement by row, turn by turn; None where a sample failed."""

    plan: Plan
    samples: dict[str, list[Sample | None]]

    def values(self, label: str, key: str) -> list[float | None]:
        """Return one figure of one row, turn by turn."""
        return [sample.get(key) if sample else None for sample in self.samples.get(label, [])]


@dataclass(frozen=True, slots=True)
class Results:
    """One run of the benchmark."""

    started: str
    seconds: int
    rounds: int
    machine: Machine
    findings: list[Finding]

    def finding(self, name: str) -> Finding | None:
        """Return the finding of the measurement called `name`, if it was made."""
        return next((finding for finding in self.findings if finding.plan.name == name), None)


def save(results: Results, file: Path) -> None:
    """Write `results` as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(TypeAdapter(Results).dump_json(results, indent=1))


def load(file: Path) -> Results:
    """Read what `save` wrote."""
    return TypeAdapter(Results).validate_json(file.read_bytes())
