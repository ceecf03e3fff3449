"""The toy, as the program asks of it before it runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lbproxy.config import Config
from lbproxy.config.source_map import Problem
from lbproxy.dataplanes.kind import DataplaneReports, RunningDataplane
from lbproxy.model.finding import Finding, Verdict
from lbproxy.model.snapshot import Scheduler, Snapshot
from lbproxy.model.stats import Stats
from lbproxy.net.system import System


class ToyDataplane:
    """Implements `Dataplane`."""

    def __init__(self) -> None:
        self.applied: Snapshot | None = None

    async def apply(self, snapshot: Snapshot) -> None:
        self.applied = snapshot

    async def drain(self, timeout: float) -> None:
        pass

    def stats(self) -> Stats:
        return Stats({}, {})

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class ToyKind:
    """Implements `DataplaneKind`."""

    verdict: Verdict = Verdict.OK

    name = "toy"
    summary = "a toy"
    own_options = frozenset({"queue"})
    schedulers = frozenset({Scheduler.WLC, Scheduler.RR})

    def unsupported(self, config: Config) -> Iterator[Problem]:
        for index, service in enumerate(config.services):
            if len(service.listen) > 1:
                yield Problem(("services", index, "listen"), "is more than the toy can hold; write one address")

    async def preflight(self, config: Config, system: System) -> Sequence[Finding]:  # noqa: ARG002 - as of `DataplaneKind`
        return [Finding("box", self.verdict, f"for {len(config.services)} services", "toys come in boxes", "buy one")]

    def make(self, config: Config, reports: DataplaneReports) -> RunningDataplane:  # noqa: ARG002 - as above
        return RunningDataplane(ToyDataplane())


TOY = ToyKind()
