"""Findings as rows of words: the one source of the terminal's tables and of the recorded ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.relay.measurement import Metric
from bench.relay.results import Finding
from bench.relay.summary import figure, ratio
from bench.relay.targets import Verdict

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of words."""

    title: str
    header: list[str]
    rows: list[list[str]]


def finding_grid(finding: Finding) -> Grid:
    """Return one row per competitor, each figure followed by its ratio to the reference."""
    plan = finding.plan
    header = ["", *(word for metric in plan.metrics for word in (_heading(metric), f"/ {plan.reference}"))]
    rows = [
        [label, *(word for metric in plan.metrics for word in _cells(finding, label, metric))]
        for label in finding.samples
    ]
    return Grid(plan.title, header, rows)


def verdict_grid(verdicts: Sequence[Verdict]) -> Grid:
    """Return one row per target."""
    header = ["ratio", "measured", "required", "met", "aimed", "met"]
    return Grid("Targets for lbproxy", header, [_verdict_row(verdict) for verdict in verdicts])


def _heading(metric: Metric) -> str:
    return f"{metric.label} {'↓' if metric.is_lower_better else '↑'}"


def _cells(finding: Finding, label: str, metric: Metric) -> tuple[str, str]:
    value, to_reference = figure(finding, label, metric.key), ratio(finding, label, metric.key)
    return (
        f"{value.middle:,.{metric.digits}f}" if value else NOTHING,
        f"{to_reference.middle:.2f}" if to_reference else NOTHING,
    )


def _verdict_row(verdict: Verdict) -> list[str]:
    target, found = verdict.target, verdict.ratio
    return [
        target.words,
        f"{found.middle:.2f} ({found.low:.2f} to {found.high:.2f})",
        f"≤ {target.required:.2f}", _yes(verdict.is_met),
        f"≤ {target.aimed:.2f}", _yes(verdict.is_aim_met),
    ]


def _yes(is_met: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "yes" if is_met else "NO"
