"""What is measured: a system in one of its shapes, in one lab, with so many pods, and what one sample of it is."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bench.lab.shape import Shape
from bench.net import Address
from bench.paper.ground import Ground, Running
from bench.paper.row import Row

Sample = dict[str, float]


class Action(Protocol):
    """How to take one sample."""

    def backends(self, ground: Ground, count: int) -> AbstractContextManager[tuple[Address, ...]]:
        """Return `count` pods that run while the block lasts."""

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Have a fresh system do, uncounted, what it will be measured doing."""

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        """Return the figures of one sample; raises BenchError when it can't be taken."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to sample again and again. `words` tell it from the others of its figure."""

    figure: str
    words: Mapping[str, str | int]
    shape: Shape
    row: Row
    pods: int
    action: Action


@dataclass(frozen=True, slots=True)
class Point:
    """The samples of one case, round by round; None where one failed, and why."""

    figure: str
    words: dict[str, str | int]
    samples: list[Sample | None] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def values(self, key: str) -> list[float]:
        """Return one figure of all samples that have it."""
        return [sample[key] for sample in self.samples if sample and key in sample]
