"""A userspace dataplane whose worker processes get signals."""

import os
import signal

from lbproxy.dataplanes.userspace.main.dataplane import UserspaceDataplane
from lbproxy.dataplanes.userspace.shared import counters
from tests.support.peers import REFUSALS, Client

from .harness import Harness
from .kinds import userspace


class WorkerHarness(Harness):
    """A userspace dataplane, and its worker processes."""

    def __init__(self, workers: int = 1) -> None:
        super().__init__(userspace(workers))
        self._workers = workers

    def pids(self) -> list[int]:
        """Those that run."""
        return [worker.pid for worker in self.dataplane.stats().workers if worker.pid is not None]

    async def replaced(self) -> None:
        """Kill the first worker, and wait for its replacement."""
        pid = self.signal(signal.SIGKILL)
        await self.until(lambda: pid not in self.pids() and len(self.pids()) == self._workers)

    def silence(self) -> None:
        """Make it look as if the first worker had last answered long ago."""
        assert isinstance(self.dataplane, UserspaceDataplane)
        self.dataplane._supervisor.blocks[0][counters.HEARTBEAT] -= 3_600_000  # milliseconds

    def signal(self, number: signal.Signals) -> int:
        """Send the first worker a signal, and give its pid."""
        pid = self.pids()[0]
        os.kill(pid, number)
        return pid


async def is_lost(client: Client) -> bool:
    try:
        await client.ask()
    except REFUSALS:
        return True
    return False
