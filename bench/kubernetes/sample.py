"""One sample: a fresh API server, a fresh lbproxy, its first sync, then changes one at a time."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import mean, median, quantiles
from tempfile import TemporaryDirectory

from bench import process
from bench.backends import Backends, serving
from bench.errors import BenchError
from bench.kubernetes.cluster import Scale
from bench.kubernetes.prober import Prober
from bench.kubernetes.subject import Subject, running
from bench.meter import own_cpu_seconds, peak_bytes, waiting_seconds
from bench.net import Address, answers, free_address
from bench.others import others_cpu_seconds
from bench.waiting import wait_until

SYNC_SECONDS = 60.0
CHANGE_SECONDS = 10.0
IDLE_SECONDS = 5.0
REAP_SECONDS = 1.5
"""What the last change leaves to do is done by then."""
MILLISECONDS = 1_000
MEGABYTE = 1024**2

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU time so far: of the main process, of a worker, what both waited for a CPU, and what everybody else used."""

    wall: float
    main: float
    worker: float
    waiting: float
    others: float

    @classmethod
    def by(cls, subject: Subject) -> "Spent":
        """Read it now."""
        workers = subject.workers()
        return cls(time.monotonic(), own_cpu_seconds(subject.pid), mean(map(own_cpu_seconds, workers)),
                   waiting_seconds(subject.pid) + max(map(waiting_seconds, workers)), others_cpu_seconds())

    def since(self, before: "Spent") -> "Spent":
        """Return the difference."""
        return Spent(self.wall - before.wall, self.main - before.main, self.worker - before.worker,
                     self.waiting - before.waiting, self.others - before.others)


def take(scale: Scale, changes: int, *, is_checked: bool) -> Figures:
    """Measure one scale. Raises BenchError."""
    cpus = frozenset(process.own_cpus())
    with TemporaryDirectory(prefix="lbproxy-bench-") as name:
        folder = Path(name)
        with serving(folder, cpus) as backends, _api(scale, backends, folder, cpus) as api, \
                running(scale, api, backends.first(1)[0], folder, is_checked=is_checked) as subject:
            return {**_synced(subject, scale), **_changing(subject, api, changes), **_peaks(subject, "end")}


@contextmanager
def _api(scale: Scale, backends: Backends, folder: Path, cpus: process.Cpus) -> Iterator[Address]:
    address = Address("127.0.0.1", free_address().port)
    command = [sys.executable, "-m", "bench.kubernetes.api", str(address.port), scale.name, str(backends.port)]
    with process.running(process.Program("API server", command, cpus, folder / "api.log"), lambda: answers(address)):
        yield address


def _synced(subject: Subject, scale: Scale) -> Figures:
    """Wait for the first sync; complete is what the admin server shows as applied in every worker."""
    if not wait_until(lambda: subject.get("/readyz")[0] == 200, SYNC_SECONDS):  # noqa: PLR2004 - everybody knows it
        raise BenchError("lbproxy did not get ready")
    found = 0
    while found < scale.services * scale.endpoints:
        seconds = time.monotonic() - subject.started
        if seconds > SYNC_SECONDS:
            raise BenchError(f"only {found} backends after {SYNC_SECONDS:.0f} s")
        peaks, spent = _peaks(subject, "sync"), Spent.by(subject)
        found = sum(len(service["backends"]) for service in json.loads(subject.get("/backends")[1])["services"]) - 1
    return {"sync_seconds": seconds, "sync_cpu_seconds": spent.main, **peaks}


def _changing(subject: Subject, api: Address, changes: int) -> Figures:
    with Prober(subject.probed) as prober:
        before = Spent.by(subject)
        time.sleep(IDLE_SECONDS)
        idle = Spent.by(subject).since(before)
        quiet, prober.durations = prober.durations, []
        before = Spent.by(subject)
        latencies = [_latency(subject, api) for _ in range(changes)]
        time.sleep(REAP_SECONDS)
        busy = Spent.by(subject).since(before)
    return {**_spread("latency_ms", latencies), **_spread("probe_ms", prober.durations), **_spread("quiet_ms", quiet),
            "main_ms": (busy.main - idle.main / idle.wall * busy.wall) / changes * MILLISECONDS,
            "worker_ms": (busy.worker - idle.worker / idle.wall * busy.wall) / changes * MILLISECONDS,
            "waiting_ms": busy.waiting / changes * MILLISECONDS,
            "idle_share": idle.main / idle.wall, "others_share": busy.others / busy.wall}


def _latency(subject: Subject, api: Address) -> float:
    """Make a change and wait until lbproxy says that every worker obeys it: that is when it logs the new state."""
    start = len(subject.log)
    connection = HTTPConnection(api.host, api.port, timeout=CHANGE_SECONDS)
    try:
        connection.request("POST", "/change")
        change = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    wanted = {"event": "backend", "backend": change["backend"], "state": change["state"]}
    return subject.log.wait(start, wanted, CHANGE_SECONDS).at - float(change["began"])


def _peaks(subject: Subject, when: str) -> Figures:
    main, workers = peak_bytes(subject.pid), [peak_bytes(pid) for pid in subject.workers()]
    return {f"{when}_main_mb": main / MEGABYTE, f"{when}_worker_mb": max(workers) / MEGABYTE,
            f"{when}_all_mb": (main + sum(workers)) / MEGABYTE}


def _spread(key: str, seconds: list[float]) -> Figures:
    most = [second * MILLISECONDS for second in seconds]
    return {f"{key}_p50": median(most), f"{key}_p99": quantiles(most, n=100, method="inclusive")[-1],
            f"{key}_max": max(most)}
