"""Throughput of a system that has settled: a program in Python still starts up when its first connections pass."""

import time
from dataclasses import dataclass

from bench.paper.ground import Ground, Running
from bench.paper.throughput import Throughput

SETTLING_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Settled(Throughput):
    """One run of wrk, after a long one that doesn't count."""

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Load it until nothing of its start is left."""
        with ground.loading(self.load, running, SETTLING_SECONDS):
            time.sleep(SETTLING_SECONDS)
