"""What a measurement is: rows that compete, columns of figures, and how to take one sample of one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.relay.bed import Balancer, Bed, Subject
from bench.systems import System


@dataclass(frozen=True, slots=True)
class Metric:
    """One column: the key of a figure in a sample and how to show it."""

    key: str
    label: str
    digits: int = 1
    is_lower_better: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What does not change between samples; `reference` labels the row that ratios refer to."""

    name: str
    title: str
    reference: str
    metrics: tuple[Metric, ...]
    most_rounds: int = 100
    most_turns: int = 100
    is_pinned: bool = True


class Measurement(Protocol):
    """Something to measure; the caller owns the balancers. What loads one raises BenchError."""

    @property
    def plan(self) -> Plan:
        """Return its name, title and columns."""

    def lineup(self, systems: Sequence[System]) -> tuple[Subject, ...]:
        """Return the rows, made of those of `systems` it applies to."""

    def warm_up(self, bed: Bed, balancer: Balancer) -> None:
        """Let a fresh balancer do, uncounted, what it will be measured doing."""

    def sample(self, bed: Bed, balancer: Balancer) -> Mapping[str, float]:
        """Return the figures of one turn."""
