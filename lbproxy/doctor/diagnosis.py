"""All findings together: which dataplane it would be, why, and how it stands with that one. Pure."""

from dataclasses import dataclass

from lbproxy.doctor.finding import Finding, Verdict, worst
from lbproxy.doctor.question import Asked


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found for any dataplane, and for each one that was looked at (an empty one wasn't)."""

    asked: Asked
    common: tuple[Finding, ...] = ()
    userspace: tuple[Finding, ...] = ()
    ipvs: tuple[Finding, ...] = ()

    @property
    def picked(self) -> Asked:
        """What was asked for; of auto, ipvs where nothing is in its way."""
        if self.asked is Asked.AUTO:
            return Asked.IPVS if self.obstacle is None else Asked.USERSPACE
        return self.asked

    @property
    def obstacle(self) -> Finding | None:
        """What is in the way of ipvs: not known to work counts as not working, as connections would hang on it."""
        bad = (Verdict.FATAL, Verdict.UNKNOWN)
        return next((found for verdict in bad for found in self.ipvs if found.verdict is verdict), None)

    @property
    def reason(self) -> str:
        """Why this dataplane."""
        if self.asked is not Asked.AUTO:
            return "asked for"
        return f"{self.obstacle.name}: {self.obstacle.seen}" if self.obstacle else "nothing is in the way of ipvs"

    @property
    def counting(self) -> tuple[Finding, ...]:
        """Those that concern the dataplane that it would be."""
        return (*self.common, *(self.ipvs if self.picked is Asked.IPVS else self.userspace))

    @property
    def verdict(self) -> Verdict:
        """The worst that counts."""
        return worst(self.counting)
