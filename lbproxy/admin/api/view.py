"""What the admin server must be told. It asks anew for every answer and keeps nothing."""

from typing import Protocol

from lbproxy.model.facts import Program
from lbproxy.model.snapshot import Snapshot
from lbproxy.model.stats import Stats


class ProgramStatus(Protocol):
    """The running program. Asked on its event loop only; nothing here waits or fails."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest one that the dataplane has applied; None before the first."""

    def stats(self) -> Stats:
        """Read all counters. The reading is the caller's: it does not change afterwards."""

    def program(self) -> Program:
        """What runs, and what troubles it."""

    def why_not_ready(self) -> str | None:
        """Why new clients should be sent elsewhere, in one line; None if they are welcome."""

    def why_not_healthy(self) -> str | None:
        """Why this process should be restarted, in one line; None if it need not be."""
