"""What the program asks of a dataplane before it runs: one object per dataplane, always passed by argument.

`lbproxy/runtime/dataplanes.py` lists them. A further dataplane is a package with such an object, and its place there.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from lbproxy.config import Config
from lbproxy.config.source_map import Problem
from lbproxy.model.address import Address
from lbproxy.model.dataplane import Dataplane
from lbproxy.model.finding import Finding
from lbproxy.model.snapshot import BackendKey, Scheduler
from lbproxy.model.stats import SchedulerChoice, WorkerStats
from lbproxy.net.system import System
from lbproxy.tasks import Restarter

Choices = Callable[[str, Sequence[Address]], Awaitable[Sequence[SchedulerChoice]]]
"""Asks what each worker's scheduler would choose next for a service, and for the oldest connections of backends."""


async def no_choices(_service: str, _draining: Sequence[Address]) -> tuple[SchedulerChoice, ...]:
    """Stand for a dataplane that can't tell, as the kernel can't."""
    return ()


class RunningDataplane(NamedTuple):
    """A dataplane, and what can be asked of its processes: nothing if the kernel carries the connections."""

    dataplane: Dataplane
    workers: Callable[[], tuple[WorkerStats, ...]] = tuple
    """Reads the worker processes; cheap with any number of backends."""
    choices: Choices = no_choices


@dataclass(frozen=True, slots=True)
class DataplaneReports:
    """What a dataplane tells the program. Called on the event loop; must not raise."""

    on_failing: Callable[[BackendKey], None]
    """Several connects to this backend failed in a row."""
    on_drift: Callable[[str], None]
    """Why the dataplane can't be kept as it was applied; empty when it is again."""
    restarter: Restarter = field(default_factory=Restarter)
    """Runs the dataplane's own long-lived tasks."""


class DataplaneKind(Protocol):
    """One dataplane. Light to import: what is heavy is imported by the method that needs it."""

    @property
    def name(self) -> str:
        """What `--dataplane` calls it: lower case, not `auto`."""

    @property
    def summary(self) -> str:
        """What moves the bytes, in a few words for help and reference."""

    @property
    def own_options(self) -> frozenset[str]:
        """Options that it honours and not every dataplane does, by field name. Others' own options are refused."""

    @property
    def schedulers(self) -> frozenset[Scheduler]:
        """The schedulers that it has; others are refused."""

    def unsupported(self, config: Config) -> Iterator[Problem]:
        """Give what else of the configuration it can't honour, with what to write instead. Reads no system."""

    async def preflight(self, config: Config, system: System) -> Sequence[Finding]:
        """Judge whether and how well it would work here, in the order in which one would mend it.

        Changes nothing, but may make the kernel load a module, as running does. A finding that is fatal means that
        running is refused. Raises nothing that the system is to blame for: that is a finding.
        """

    def make(self, config: Config, reports: DataplaneReports) -> RunningDataplane:
        """Make one. Does no I/O yet; the first `apply` does. The caller closes it."""
