"""What a check has found: a verdict, what was seen, why it matters, and the fix to type."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it stands, from well to badly; the worst one is the verdict of the whole."""

    OK = "ok"
    UNKNOWN = "unknown"
    """It couldn't be found out; `seen` says why."""
    IMPROVABLE = "could-be-better"
    FATAL = "wont-work"

    @property
    def words(self) -> str:
        """As people write it."""
        return {Verdict.IMPROVABLE: "could be better", Verdict.FATAL: "won't work"}.get(self, self.value)

    @property
    def exit_code(self) -> int:
        """0 all well, 1 works but not all is well or known, 2 won't work."""
        return {Verdict.OK: 0, Verdict.FATAL: 2}.get(self, 1)


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check. `fix` is what to type or to change, and empty if nothing is to be done."""

    name: str
    verdict: Verdict
    seen: str
    why: str
    fix: str = ""


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the worst of their verdicts; of none, that all is well."""
    return max((finding.verdict for finding in findings), key=list(Verdict).index, default=Verdict.OK)
