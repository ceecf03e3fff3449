"""What every sample needs: backends, a fresh balancer, load on CPUs of its own, and the meter around them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bench.backends import Backends, serving
from bench.load import Load, Run, loading
from bench.meter import Meter
from bench.net import Address, answers, free_address
from bench.others import others_cpu_seconds
from bench.process import Cpus, Program, own_cpus, running
from bench.systems import Setup, System

TURN_SECONDS = 1
WARM_UP_SECONDS = 0.5
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of a table: a system in one configuration."""

    label: str
    system: System
    backends: int = 2
    workers: int = 1
    scheduler: str | None = None
    is_checked: bool = True
    admin: Address | None = None

    def setup(self, listen: Address, backends: Backends) -> Setup:
        """Return what the system is to do."""
        return Setup(listen, backends.first(self.backends), self.workers, self.scheduler, self.is_checked,
                     self.admin)


@dataclass(frozen=True, slots=True)
class Balancer:
    """A running balancer."""

    address: Address
    meter: Meter


@dataclass(frozen=True, slots=True)
class Usage:
    """What a balancer used during an interval, and what others on the machine did."""

    cpu_seconds: float
    wall_seconds: float
    others_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Bed:
    """Backends that run, and which CPUs the balancers in front of them and their load get."""

    backends: Backends
    folder: Path
    balancer_cpus: Cpus
    load_cpus: Cpus

    @contextmanager
    def balancer(self, subject: Subject) -> Iterator[Balancer]:
        """Run a fresh process of `subject`; raises StartError."""
        address = free_address()
        with TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name)
            command = subject.system.command(subject.setup(address, self.backends), folder)
            program = Program(subject.label, command, self.balancer_cpus, folder / "log")
            with running(program, lambda: answers(address)) as pid:
                yield Balancer(address, Meter(pid))

    @contextmanager
    def loading(self, load: Load, balancer: Balancer) -> Iterator[Run]:
        """Load `balancer` for one turn."""
        with loading(load, balancer.address, TURN_SECONDS, self.load_cpus, self.folder) as run:
            yield run

    def warm_up(self, load: Load, balancer: Balancer) -> None:
        """Load `balancer` for a moment that no sample counts."""
        with self.loading(load, balancer):
            time.sleep(WARM_UP_SECONDS)


@contextmanager
def laid_out(*, is_pinned: bool) -> Iterator[Bed]:
    """Serve backends; pinned gives the balancer the first CPU and everything else the last."""
    cpus = own_cpus()
    balancer_cpus, load_cpus = (cpus[:1], cpus[-1:]) if is_pinned else (cpus, cpus)
    with TemporaryDirectory(prefix="lbproxy-bench-") as name:
        folder = Path(name)
        with serving(folder, frozenset(load_cpus)) as backends:
            yield Bed(backends, folder, frozenset(balancer_cpus), frozenset(load_cpus))


def metered(balancer: Balancer, work: Callable[[], Outcome]) -> tuple[Outcome, Usage]:
    """Return what `work` returns, and what `balancer` used meanwhile."""
    others, cpu, wall = others_cpu_seconds(), balancer.meter.cpu_seconds(), time.monotonic()
    outcome = work()
    used, passed = balancer.meter.cpu_seconds() - cpu, time.monotonic() - wall
    return outcome, Usage(used, passed, others_cpu_seconds() - others)
