"""One wrk against one balancer: throughput, latency and the balancer's CPU time per operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.load import Load, Report
from bench.relay.bed import Balancer, Bed, Subject, Usage, metered
from bench.relay.lineups import Lineup
from bench.relay.measurement import Metric, Plan
from bench.systems import System

MICROSECONDS = 1e6
GIGABYTE = 1e9

REQUESTS = Metric("per_second", "requests/s", 0, is_lower_better=False)
CONNECTIONS = Metric("per_second", "connections/s", 0, is_lower_better=False)
GIGABYTES = Metric("gb_per_second", "GB/s", 2, is_lower_better=False)
P50 = Metric("p50_us", "p50 µs", 0)
P99 = Metric("p99_us", "p99 µs", 0)
REQUEST_CPU = Metric("cpu_us", "CPU µs/request", 2)
CONNECTION_CPU = Metric("cpu_us", "CPU µs/connection", 1)
BULK_CPU = Metric("cpu_s_per_gb", "CPU s/GB", 3)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A measurement that differs from its like only in load, rows and columns."""

    plan: Plan
    load: Load
    competitors: Lineup

    def lineup(self, systems: Sequence[System]) -> tuple[Subject, ...]:
        """Return the competitors."""
        return self.competitors(systems)

    def warm_up(self, bed: Bed, balancer: Balancer) -> None:
        """Load it for a moment."""
        bed.warm_up(self.load, balancer)

    def sample(self, bed: Bed, balancer: Balancer) -> Mapping[str, float]:
        """Load it for one turn."""
        with bed.loading(self.load, balancer) as run:
            report, usage = metered(balancer, run.report)
        return figures(report, usage)


def figures(report: Report, usage: Usage) -> dict[str, float]:
    """Return every figure of one run, shares being of one CPU.

    `cpu_share` near 1 says that the balancer was the bottleneck, `others_share` above 0 that the machine
    was not ours alone.
    """
    gigabytes = report.bytes / GIGABYTE
    return {
        "per_second": report.requests / report.seconds,
        "p50_us": report.p50_us,
        "p99_us": report.p99_us,
        "cpu_us": usage.cpu_seconds * MICROSECONDS / max(report.requests, 1),
        "gb_per_second": gigabytes / report.seconds,
        "cpu_s_per_gb": usage.cpu_seconds / gigabytes,
        "cpu_share": usage.cpu_seconds / usage.wall_seconds,
        "others_share": usage.others_seconds / usage.wall_seconds,
        "errors": report.errors,
    }
