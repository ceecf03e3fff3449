"""As many requests as go through: wrk, closed loop, as in the paper."""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bench.load import Load, Report
from bench.net import Address
from bench.paper.ground import Ground, Running
from bench.paper.usage import Usage, used

WARM_UP_SECONDS = 0.4
MICROSECONDS, GIGABYTE = 1e6, 1e9


@dataclass(frozen=True, slots=True)
class Throughput:
    """One run of wrk."""

    load: Load
    seconds: int = 1

    def backends(self, ground: Ground, count: int) -> AbstractContextManager[tuple[Address, ...]]:
        """Return the lab's own pods."""
        return lab_pods(ground, count)

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Load it for a moment that no sample counts."""
        with ground.loading(self.load, running, 1):
            time.sleep(WARM_UP_SECONDS)

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        """Load it and look at the CPUs meanwhile."""
        with ground.loading(self.load, running, self.seconds) as runs:
            report, usage = used(ground.lab.places, runs.report)
        return figures(report, usage)


def lab_pods(ground: Ground, count: int) -> AbstractContextManager[tuple[Address, ...]]:
    """Return the first `count` pods of the lab, which run anyway."""
    return nullcontext(tuple(pod.address for pod in ground.lab.pods(count)))


def figures(report: Report, usage: Usage) -> dict[str, float]:
    """Return the figures of one run; `node_us` only where the node has CPUs of its own."""
    found = {
        "per_second": report.requests / report.seconds,
        "gb_per_second": report.bytes / report.seconds / GIGABYTE,
        "bytes_per_request": report.bytes / max(report.requests, 1),
        "p50_us": report.p50_us,
        "p99_us": report.p99_us,
        "errors": report.errors,
        "node_share": usage.node_share,
        "load_share": usage.load_share,
        "others_share": usage.others / usage.seconds,
    }
    if usage.places.are_apart:
        found["node_us"] = usage.node * MICROSECONDS / max(report.requests, 1)
        found["node_s_per_gb"] = usage.node / max(report.bytes / GIGABYTE, 1e-9)
    return found
