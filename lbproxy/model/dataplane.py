"""What every dataplane offers, and all that the rest of the program knows of it."""

from typing import Protocol

from lbproxy.model.snapshot import Snapshot
from lbproxy.model.stats import Stats


class Dataplane(Protocol):
    """Carries connections as the latest snapshot says. It owns its listening sockets or kernel entries."""

    async def apply(self, snapshot: Snapshot) -> None:
        """Make the snapshot true, and return when it is.

        May be repeated, may skip versions. Raises `DataplaneError` and leaves everything as it was if it can't;
        the caller tries again. A backend that is absent from the snapshot loses the connections it has left.
        """

    async def drain(self, timeout: float) -> None:
        """Accept no more clients; return when the last connection has ended, or reset the rest after `timeout` s."""

    def stats(self) -> Stats:
        """Read the counters; cheap, and never waits for a worker."""

    async def close(self) -> None:
        """End at once: whatever is left is reset. May be called at any time, more than once."""
