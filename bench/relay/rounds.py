"""Samples in turns: a round starts every row afresh, then lets them take turns of a second each.

The speed of a shared machine drifts within seconds; rows that alternate by the second drift alike.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.errors import BenchError
from bench.relay.bed import Balancer, Bed, Subject, laid_out
from bench.relay.measurement import Measurement
from bench.relay.results import Finding, Sample
from bench.rounds import rotated
from bench.systems import System

Tell = Callable[[str, str], None]  # words and a rich style
BAD = "bold red"
DISTURBANCE = 0.1


def measure(
    measurement: Measurement, systems: Sequence[System], *, rounds: int, turns: int, tell: Tell,
) -> Finding:
    """Take all samples of one measurement; one that fails is told and left out."""
    plan, subjects = measurement.plan, measurement.lineup(systems)
    finding = Finding(plan, {subject.label: [] for subject in subjects})
    with laid_out(is_pinned=plan.is_pinned) as bed:
        for number in range(min(rounds, plan.most_rounds)):
            one = _Round(measurement, bed, tell)
            for label, taken in one.run(rotated(subjects, number), min(turns, plan.most_turns)).items():
                finding.samples[label].extend(taken)
    return finding


@dataclass(frozen=True, slots=True)
class _Round:
    measurement: Measurement
    bed: Bed
    tell: Tell

    def run(self, subjects: Sequence[Subject], turns: int) -> dict[str, list[Sample | None]]:
        with ExitStack() as started:
            rows = [(subject.label, self._start(subject, started)) for subject in subjects]
            samples: dict[str, list[Sample | None]] = {label: [] for label, _ in rows}
            for number in range(turns):
                for label, balancer in rotated(rows, number):
                    samples[label].append(self._sample(label, balancer))
        for label, taken in samples.items():
            self._tell_round(label, [sample for sample in taken if sample])
        return samples

    def _start(self, subject: Subject, started: ExitStack) -> Balancer | None:
        """Start and warm up a fresh process: each has its own memory layout, as each user's has."""
        try:
            balancer = started.enter_context(self.bed.balancer(subject))
            self.measurement.warm_up(self.bed, balancer)
        except BenchError as error:
            self._tell_failure(subject.label, error)
            return None
        return balancer

    def _sample(self, label: str, balancer: Balancer | None) -> Sample | None:
        try:
            return dict(self.measurement.sample(self.bed, balancer)) if balancer else None
        except BenchError as error:
            self._tell_failure(label, error)
            return None

    def _tell_failure(self, label: str, error: BenchError) -> None:
        self.tell(f"{self.measurement.plan.name}: {label} failed: {error}", BAD)

    def _tell_round(self, label: str, samples: Sequence[Sample]) -> None:
        plan = self.measurement.plan
        if samples:
            middles = [(metric, median(sample[metric.key] for sample in samples)) for metric in plan.metrics]
            words = ", ".join(f"{metric.label} {middle:,.{metric.digits}f}" for metric, middle in middles)
            self.tell(f"{plan.name}: {label}: {words}", "dim")
        others = max((sample.get("others_share", 0.0) for sample in samples), default=0.0)
        if others > DISTURBANCE:
            self.tell(f"{plan.name}: {label}: other programs used up to {others:.0%} of a CPU", BAD)
        if errors := sum(sample.get("errors", 0) for sample in samples):
            self.tell(f"{plan.name}: {label}: wrk saw {errors:.0f} errors", BAD)
