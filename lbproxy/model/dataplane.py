"""What every dataplane offers, and all that the rest of the program knows about it."""

from typing import Protocol

from lbproxy.model.snapshot import Snapshot
from lbproxy.model.stats import Stats


class Dataplane(Protocol):
    """Carries connections as the latest snapshot says. It owns its sockets, kernel entries and processes."""

    async def apply(self, snapshot: Snapshot) -> None:
        """Make the snapshot true, and return when it is.

        May be repeated, and may skip versions. Raises `DataplaneError` if it fails, and leaves everything as it was;
        then the caller tries again. A backend that is absent from the snapshot has its remaining connections reset.
        """

    async def drain(self, timeout: float) -> None:
        """Accept no more clients; return when the last connection has ended, or reset the rest after `timeout` s."""

    def stats(self) -> Stats:
        """Read the counters. Cheap, and never waits for a worker."""

    async def close(self) -> None:
        """End at once, and reset what is left. May be called at any time, and more than once."""
