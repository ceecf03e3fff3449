"""How busy CPUs were, whoever kept them so: processes, and the kernel on their behalf or on nobody's.

A system in the kernel has no process that its work is charged to. Where the balancer's node has CPUs that nobody else
uses, their busy time is what the node as a whole spends.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.lab.shape import Places
from bench.meter import family
from bench.others import strangers_cpu_seconds

# Columns of /proc/stat that are no work of ours: idle, iowait, steal. The kernel measures them; the others it samples.
AWAY = (3, 4, 7)
FULL = 0.95
"""CPUs this busy are a bottleneck."""
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Usage:
    """An interval's length, the busy seconds of the node's CPUs and of those of client and pods, and others' share."""

    seconds: float
    node: float
    load: float
    others: float
    places: Places

    @property
    def node_share(self) -> float:
        """Return how busy the node's CPUs were, 0 to 1."""
        return self.node / self.seconds / len(self.places.node)

    @property
    def load_share(self) -> float:
        """Return how busy the CPUs of client and pods were, 0 to 1."""
        return self.load / self.seconds / len(self.places.load)


def used(places: Places, work: Callable[[], Outcome]) -> tuple[Outcome, Usage]:
    """Return what `work` returns, and how busy the CPUs were meanwhile."""
    ours = set(family(os.getpid()))
    others = strangers_cpu_seconds(ours)
    before, start = away(Path("/proc/stat").read_text()), time.monotonic()
    outcome = work()
    after, seconds = away(Path("/proc/stat").read_text()), time.monotonic() - start
    node, load = (
        sum(max(seconds - (after[cpu] - before[cpu]), 0.0) for cpu in cpus) for cpus in (places.node, places.load)
    )
    return outcome, Usage(seconds, node, load, max(strangers_cpu_seconds(ours) - others, 0.0), places)


def away(stat: str) -> dict[int, float]:
    """Return for how long each CPU has done nothing for us, from the text of /proc/stat."""
    found = {}
    for line in stat.splitlines():
        name, *columns = line.split()
        if name.startswith("cpu") and name != "cpu":
            found[int(name.removeprefix("cpu"))] = sum(int(columns[i]) for i in AWAY) / os.sysconf("SC_CLK_TCK")
    return found


def bottleneck(node_share: float, load_share: float, *, are_apart: bool) -> str:
    """Return what held a sample back, as far as CPUs tell."""
    if not are_apart:
        return "CPUs, shared by all" if node_share > FULL else "-"
    if node_share > FULL and node_share >= load_share:
        return "node"
    return "client or pods" if load_share > FULL else "-"
