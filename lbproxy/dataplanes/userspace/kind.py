"""The userspace dataplane, as the program asks of it before it runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lbproxy.config import Config
from lbproxy.config.source_map import Problem
from lbproxy.dataplanes.kind import DataplaneReports, RunningDataplane
from lbproxy.model.finding import Finding
from lbproxy.model.snapshot import Scheduler
from lbproxy.net.system import System


@dataclass(frozen=True, slots=True)
class UserspaceKind:
    """Implements `DataplaneKind`."""

    name = "userspace"
    summary = "our own processes"
    own_options = frozenset({"workers", "queue", "queue_timeout", "connect_timeout", "connect_retries",
                             "half_close_timeout"})
    schedulers = frozenset({Scheduler.LC, Scheduler.WLC, Scheduler.RR, Scheduler.WRR})

    def unsupported(self, config: Config) -> Iterator[Problem]:  # noqa: ARG002 - as of `DataplaneKind`
        """See `DataplaneKind`: it relays between any two addresses."""
        yield from ()

    async def preflight(self, config: Config, system: System) -> Sequence[Finding]:
        """See `DataplaneKind`."""
        from lbproxy.dataplanes.userspace.preflight.findings import findings  # noqa: PLC0415 - not before it is of use

        return [*findings(config, system)]

    def make(self, config: Config, reports: DataplaneReports) -> RunningDataplane:
        """See `DataplaneKind`."""
        from lbproxy.dataplanes.userspace.main.dataplane import UserspaceDataplane  # noqa: PLC0415 - as above

        dataplane = UserspaceDataplane(config.workers, reports.on_failing, reports.restarter)
        return RunningDataplane(dataplane, dataplane.workers, dataplane.choices)


USERSPACE = UserspaceKind()
