"""How small requests fare while bulk streams pass through the same worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.load import Load, Report
from bench.relay.bed import Balancer, Bed, Subject, metered
from bench.relay.lineups import everyone
from bench.relay.measurement import Plan
from bench.relay.traffic import GIGABYTE, GIGABYTES, P50, P99, REQUESTS, figures
from bench.systems import System

SMALL = Load(connections=8)
BULK = Load(connections=4, path="/bulk")


@dataclass(frozen=True, slots=True)
class Fairness:
    """Latency of small requests beside bulk, and the bulk seen meanwhile: neither may starve."""

    plan = Plan(
        "fairness", "Small requests (8 connections) beside 4 bulk streams", "haproxy",
        (P50, P99, REQUESTS, GIGABYTES),
    )

    def lineup(self, systems: Sequence[System]) -> tuple[Subject, ...]:
        """Return every system."""
        return everyone(systems)

    def warm_up(self, bed: Bed, balancer: Balancer) -> None:
        """Load it with each for a moment."""
        bed.warm_up(SMALL, balancer)
        bed.warm_up(BULK, balancer)

    def sample(self, bed: Bed, balancer: Balancer) -> Mapping[str, float]:
        """Load it with both at once."""
        with bed.loading(BULK, balancer) as bulk, bed.loading(SMALL, balancer) as small:
            (fast, slow), usage = metered(balancer, lambda: (small.report(), bulk.report()))
        return figures(fast, usage) | _bulk(slow)


def _bulk(report: Report) -> dict[str, float]:
    return {GIGABYTES.key: report.bytes / report.seconds / GIGABYTE}
