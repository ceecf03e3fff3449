"""What the running program says of itself: the admin server's `View`."""

from collections.abc import Callable

from lbproxy.controller import Controller
from lbproxy.dataplanes.userspace.dataplane import UserspaceDataplane
from lbproxy.model import Snapshot
from lbproxy.stats import Stats

HEARTBEAT_LIMIT = 5.0
"""Seconds without a worker's heartbeat after which the process is not healthy."""


class Status:
    """Reads controller and dataplane; owns nothing."""

    def __init__(self, controller: Controller, dataplane: UserspaceDataplane, is_stopping: Callable[[], bool]) -> None:
        self._controller, self._dataplane, self._is_stopping = controller, dataplane, is_stopping

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest state that is in force."""
        return self._controller.applied

    def stats(self) -> Stats:
        """What the dataplane has counted."""
        return self._dataplane.stats()

    def why_not_ready(self) -> str | None:
        """Why no new clients should be sent here; None if they should."""
        if self._is_stopping():
            return "shutting down"
        if self.snapshot is None:
            return "nothing applied yet"
        if not any(backend.is_open for service in self.snapshot.services.values() for backend in service.backends):
            return "no usable backend"
        return None

    def why_not_healthy(self) -> str | None:
        """Why this process should be replaced; None if it should not."""
        for worker in self._dataplane.workers() if self.snapshot is not None else ():
            if worker.pid is None:
                return f"worker {worker.index} is being replaced"
            if worker.heartbeat_age > HEARTBEAT_LIMIT:
                return f"worker {worker.index} (pid {worker.pid}) has not answered for {worker.heartbeat_age:.0f} s"
        return None
