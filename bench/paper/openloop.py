"""Latency at a constant rate, open loop: h2load asks on time whatever the answers do, and nothing is left out.

One h2load asks at most 100 times a second on a connection: it looks at its clock every 10 ms. Its connections tick
together, so many h2load with few connections each are started, at different moments. A connection carries one request
at a time, so one that comes late holds up the next; hence latency counts from when a request was *due*, by the rhythm
of its h2load, and not from when it was sent (no coordinated omission).
"""

import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import quantiles

from bench.errors import BenchError
from bench.net import Address
from bench.paper.ground import Ground, Running
from bench.paper.throughput import lab_pods
from bench.paper.usage import used
from bench.process import Program, start, stop
from bench.systems.installed import find

PER_CONNECTION = 100
"""Requests/s."""
PROCESSES = 24
GRACE_SECONDS = 10.0
WARM_UP_SECONDS = 0.5
MICROSECONDS = 1e6
KEPT = 200
"""Points of the distribution that are kept."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests/s, divided among processes and their connections."""

    processes: int
    connections: int

    @classmethod
    def near(cls, rate: float) -> "Rate":
        """Return the nearest that can be had."""
        wanted = max(round(rate / PER_CONNECTION), 1)
        processes = min(wanted, PROCESSES)
        return cls(processes, ceil(wanted / processes))

    @property
    def per_second(self) -> int:
        """Return the sum of all."""
        return self.processes * self.connections * PER_CONNECTION


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Ask at a rate for some seconds."""

    rate: Rate
    seconds: int = 3

    def backends(self, ground: Ground, count: int) -> AbstractContextManager[tuple[Address, ...]]:
        """Return the lab's own pods."""
        return lab_pods(ground, count)

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Nothing: the beginning of each run is left out."""

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        """Ask, and return quantiles of the latency in microseconds; `q000` to `q200` make the curve."""
        logs = [running.folder / f"latency{number}" for number in range(self.rate.processes)]
        for log in logs:
            log.unlink(missing_ok=True)
        (complaints, usage) = used(ground.lab.places, lambda: self._ask(ground, running, logs))
        late = sorted(latency for log in logs for latency in due_latencies(log.read_text(), self.rate.connections))
        if len(late) < KEPT:
            raise BenchError(f"h2load got {len(late)} answers: {complaints}")
        return spread_out(late) | {
            "asked": self.rate.per_second, "per_second": len(late) / (self.seconds - WARM_UP_SECONDS),
            "node_share": usage.node_share, "load_share": usage.load_share,
            "others_share": usage.others / usage.seconds,
        }

    def _ask(self, ground: Ground, running: Running, logs: list[Path]) -> str:
        """Run all processes, started apart by a fraction of a tick; return what the last complained about."""
        with ExitStack() as started:
            children = []
            for log in logs:
                child = start(self._program(ground, running, log), stdout=subprocess.PIPE)
                started.callback(stop, child)
                children.append(child)
                time.sleep(1 / PER_CONNECTION / len(logs))
            return [_printed(child, self.seconds + GRACE_SECONDS) for child in children][-1]

    def _program(self, ground: Ground, running: Running, log: Path) -> Program:
        command = [
            find("h2load"), "--h1", f"--rps={PER_CONNECTION}", f"--clients={self.rate.connections}", "--threads=1",
            f"--duration={self.seconds}", f"--log-file={log}", f"http://{running.targets[0]}/",
        ]
        return Program("h2load", command, ground.lab.places.load, running.folder / "h2load.log", ground.lab.client)


def due_latencies(log: str, connections: int) -> list[float]:
    """Return the latencies in a log of h2load, in microseconds from when each request was due; raises BenchError.

    A line is when a request was sent, its status, and how long the answer took, all in microseconds. The first request
    of all was on time; after it, `connections` requests are due with each tick. The first half second is left out.
    """
    rows = sorted(tuple(map(int, line.split("\t")[:3])) for line in log.splitlines())
    if failed := sum(status != 200 for _, status, _ in rows):  # noqa: PLR2004 - the one status everybody knows
        raise BenchError(f"{failed} of {len(rows)} requests failed")
    if not rows:
        return []
    first, tick = rows[0][0], MICROSECONDS / PER_CONNECTION
    found = []
    for number, (sent, _, took) in enumerate(rows):
        due = min(first + (number // connections) * tick, sent)
        if sent - first > WARM_UP_SECONDS * MICROSECONDS:
            found.append(sent + took - due)
    return found


def spread_out(latencies: list[float]) -> dict[str, float]:
    """Return the curve of sorted latencies, and its points that people name."""
    curve = [latencies[0], *quantiles(latencies, n=KEPT), latencies[-1]]
    named = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}
    return {f"q{number:03}": value for number, value in enumerate(curve)} | {
        name: latencies[min(int(len(latencies) * part), len(latencies) - 1)] for name, part in named.items()
    }


def _printed(child: subprocess.Popen[str], limit: float) -> str:
    try:
        printed, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchError(f"h2load did not end within {limit:.0f} s") from None
    return " ".join(printed.split())[-200:]
