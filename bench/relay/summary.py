"""Samples condensed: the median of all turns, and the median of each turn's ratio to the reference.

A ratio within one turn compares neighbours in time, so that what disturbs the machine disturbs both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.relay.results import Finding


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the extremes around it."""

    middle: float
    low: float
    high: float


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return the spread of the values that are there; None when there is none."""
    there = [value for value in values if value is not None]
    return Spread(median(there), min(there), max(there)) if there else None


def figure(finding: Finding, label: str, key: str) -> Spread | None:
    """Return the spread of one figure of one row."""
    return spread(finding.values(label, key))


def ratio(finding: Finding, label: str, key: str) -> Spread | None:
    """Return the spread of a row's ratios to the reference row in the same turn."""
    own, reference = finding.values(label, key), finding.values(finding.plan.reference, key)
    return spread([_divided(a, b) for a, b in zip(own, reference, strict=False)])


def _divided(value: float | None, reference: float | None) -> float | None:
    return None if value is None or not reference else value / reference
