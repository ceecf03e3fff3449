"""What the running program reported at one moment, with that moment on both clocks."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from lbproxy.admin.api.program_status import ProgramStatus
from lbproxy.model.facts import Program
from lbproxy.model.snapshot import Snapshot
from lbproxy.model.stats import Stats


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: seconds of the monotonic clock for differences, and the time of day (UTC) for display."""

    monotonic: float
    wall: datetime

    @classmethod
    def read(cls, monotonic: float) -> "Now":
        """Add the time of day to a time of the monotonic clock that was just read."""
        return cls(monotonic, datetime.now(UTC))

    def age(self, moment: float) -> float:
        """Seconds since a moment of the monotonic clock, to the millisecond; never negative."""
        return max(0.0, round(self.monotonic - moment, 3))

    def left(self, deadline: float) -> float:
        """Seconds until a moment of the monotonic clock, to the millisecond; never negative."""
        return max(0.0, round(deadline - self.monotonic, 3))


class ProgramReading(NamedTuple):
    """Everything that `ProgramStatus` tells, read at one moment: it can be passed to a thread."""

    snapshot: Snapshot | None
    stats: Stats
    program: Program
    not_ready: str | None
    not_healthy: str | None
    now: Now

    @classmethod
    def of(cls, status: ProgramStatus, monotonic: float) -> "ProgramReading":
        """Ask the program. Call it on the program's event loop; `monotonic` is the time now."""
        return cls(status.snapshot, status.stats(), status.program(), status.why_not_ready(), status.why_not_healthy(),
                   Now.read(monotonic))
