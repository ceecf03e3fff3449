"""Runs one system at a time on a lab's node, loads it from the client, and sees to it that nothing of it stays."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.errors import BenchError, LabError
from bench.lab.addresses import SERVICE
from bench.lab.lab import Lab
from bench.lab.netns import call
from bench.load import Load, Report, Run, loading
from bench.meter import Meter
from bench.net import Address
from bench.paper.row import Row
from bench.process import Program, running
from bench.systems import Setup
from bench.waiting import wait_until

STARTING_SECONDS = 15.0
"""That a start may last beyond the first answer, at most."""
MOMENT = 0.2
RESTING_SHARE = 0.2
"""Of a CPU, over a MOMENT."""


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs, and where to send load to."""

    row: Row
    setup: Setup
    folder: Path
    targets: tuple[Address, ...]
    meter: Meter


@dataclass(frozen=True, slots=True)
class Runs:
    """Several wrk at once, one for each target."""

    runs: tuple[Run, ...]

    def report(self) -> Report:
        """Wait for all and return their sum; of latencies the middle of medians and the worst tail."""
        reports = [run.report() for run in self.runs]
        middles = sorted(report.p50_us for report in reports)
        return Report(
            requests=sum(report.requests for report in reports), bytes=sum(report.bytes for report in reports),
            seconds=max(report.seconds for report in reports), p50_us=middles[len(middles) // 2],
            p99_us=max(report.p99_us for report in reports), errors=sum(report.errors for report in reports),
        )


def rests(meter: Meter) -> bool:
    """Return whether a system's processes do next to nothing, over a moment: then its start is over."""
    try:
        before = meter.cpu_seconds()
        time.sleep(MOMENT)
        return meter.cpu_seconds() - before < RESTING_SHARE * MOMENT
    except BenchError:  # one of its processes has ended meanwhile, so its start is not over
        return False


@dataclass(frozen=True, slots=True)
class Ground:
    """A lab with its node free for one system after the other."""

    lab: Lab

    @contextmanager
    def running(self, row: Row, backends: tuple[Address, ...]) -> Iterator[Running]:
        """Run a fresh `row`; raises StartError, and LabError when it left something on the node."""
        workers = row.workers or len(self.lab.places.node)
        setup = Setup(SERVICE, backends, workers, row.scheduler)
        targets = backends if row.is_direct else (SERVICE,)
        with TemporaryDirectory(dir=self.lab.folder) as name:
            folder = Path(name)
            program = Program(
                row.label, row.system.command(setup, folder), self.lab.places.node, folder / "log", self.lab.node,
            )
            with running(program, lambda: all(map(self.lab.answers, targets))) as pid:
                wait_until(lambda: rests(Meter(pid)), STARTING_SECONDS)
                yield Running(row, setup, folder, targets, Meter(pid))
        self.check_clean()

    def change(self, current: Running, backends: tuple[Address, ...]) -> None:
        """Have `current` serve other backends from now on; raises LabError."""
        command = current.row.system.change(replace(current.setup, backends=backends), current.folder)
        call(self.lab.node.inside(command))

    @contextmanager
    def loading(self, load: Load, current: Running, seconds: int) -> Iterator[Runs]:
        """Load it from the client; connections are divided among targets when there are several."""
        each = replace(load, connections=max(load.connections // len(current.targets), 1))
        with ExitStack() as started:
            runs = [
                started.enter_context(loading(
                    each, target, seconds, self.lab.places.load, current.folder, network=self.lab.client,
                ))
                for target in current.targets
            ]
            yield Runs(tuple(runs))

    def check_clean(self) -> None:
        """Raise LabError when the node still has rules or virtual services: the next system would pay for them."""
        rules = call(self.lab.node.inside(["nft", "list", "ruleset"])).strip()
        with self.lab.node.entered():
            table = Path("/proc/net/ip_vs")
            services = [line for line in table.read_text().splitlines() if "->" in line][1:] if table.exists() else []
        if rules or services:
            raise LabError(f"left behind on the node: {rules or services}")
