"""Which dataplane runs, and why. The one place that decides: `run` takes what `doctor` says.

`auto` takes the first dataplane with no obstacle. What could not be found out is an obstacle too, as connections would
hang on it. Where each has one, it is the last in the list, which needs least.
"""

from dataclasses import dataclass

from lbproxy.config import Config
from lbproxy.config.source_map import Problem, SourceMap, config_error, dotted
from lbproxy.dataplanes.catalog import AUTO, Dataplanes
from lbproxy.dataplanes.kind import DataplaneKind
from lbproxy.model.errors import ConfigError
from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.system import System

CANT_HONOUR = "what a dataplane can't honour is refused, never ignored"


@dataclass(frozen=True, slots=True)
class Preflight:
    """One dataplane, and what was found for it."""

    kind: DataplaneKind
    findings: tuple[Finding, ...]

    @property
    def obstacle(self) -> Finding | None:
        """What keeps `auto` from taking it: what won't work before what is not known; None if nothing does."""
        # IMPROVABLE is no obstacle: it works, if not as well as it could.
        bad = (Verdict.FATAL, Verdict.UNKNOWN)
        return next((found for verdict in bad for found in self.findings if found.verdict is verdict), None)


@dataclass(frozen=True, slots=True)
class DataplaneSelection:
    """What was asked for, and those that may run in the order of preference, at least one."""

    dataplanes: Dataplanes
    requested: str
    preflights: tuple[Preflight, ...]

    @property
    def active(self) -> Preflight:
        """The one that runs."""
        # With an obstacle everywhere the last one runs, which needs least; `refuse_fatal` says what is in its way.
        return next((one for one in self.preflights if one.obstacle is None), self.preflights[-1])

    @property
    def name(self) -> str:
        """What the one that runs is called."""
        return self.active.kind.name

    @property
    def reason(self) -> str:
        """Why this one, in a few words."""
        if self.requested != AUTO:
            return "asked for"
        obstacle = self.preflights[0].obstacle
        return f"{obstacle.name}: {obstacle.seen}" if obstacle else f"nothing is in the way of {self.name}"

    def check(self, config: Config) -> Config:
        """Give a configuration back; raise `ConfigError` if it asks for what the one that runs can't honour."""
        if problems := [*self.dataplanes.unsupported(self.active.kind, config)]:
            raise config_error(problems, SourceMap(f"--dataplane={self.requested} is {self.name} here"))
        return config

    def refuse_fatal(self) -> None:
        """Raise `ConfigError`, with what to do, if what runs won't work."""
        found = self.active.obstacle
        # What is only unknown does not stop a start: the apply will tell, and says more than a guess.
        if found is not None and found.verdict is Verdict.FATAL:
            asked = f"--dataplane={self.requested}" + (f" is {self.name} here" if self.requested == AUTO else "")
            raise ConfigError(f"{asked}: {found.name}: {found.seen}; {found.fix}; lbproxy doctor says more")


async def select_dataplane(dataplanes: Dataplanes, config: Config, system: System) -> DataplaneSelection:
    """Look at each that may run, and choose. Changes nothing; see `DataplaneKind.preflight`."""
    return DataplaneSelection(dataplanes, config.dataplane, tuple([
        Preflight(kind, (*map(_finding, dataplanes.unsupported(kind, config)), *await kind.preflight(config, system)))
        # All are looked at, also behind one that works: `doctor` shows each.
        for kind in dataplanes.requested(config)]))


def _finding(problem: Problem) -> Finding:
    seen, _, fix = problem.text.partition("; ")
    return Finding(f"option {dotted(problem.path)}", Verdict.FATAL, seen, CANT_HONOUR, fix)
