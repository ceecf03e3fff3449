"""What the running program reports about itself: its snapshot, its counters, and whether it is ready and healthy."""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from lbproxy.control.controller import Controller
from lbproxy.model.dataplane import Dataplane
from lbproxy.model.facts import Program
from lbproxy.model.snapshot import Snapshot
from lbproxy.model.stats import Stats, WorkerStats

HEARTBEAT_LIMIT = 5.0
"""Seconds without a worker's heartbeat after which the process is not healthy."""


class ProgramStatus(Protocol):
    """The running program. Call it on the program's event loop only; nothing here waits or fails."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest one that the dataplane has applied; None before the first."""

    def stats(self) -> Stats:
        """Read all counters. The caller owns the result: it does not change afterwards."""

    def program(self) -> Program:
        """Name, start and trouble of what runs."""

    def why_not_ready(self) -> str | None:
        """Why new clients should be sent elsewhere, in one line; None if they should come."""

    def why_not_healthy(self) -> str | None:
        """Why this process should be restarted, in one line; None if it should not."""


class ControllerStatus:
    """The status, read from controller and dataplane. Owns neither.

    `workers` gives the dataplane's processes, if it has any; `waits_for` says in one line which answer of a source is
    still missing, or nothing; `name` is the dataplane's.
    """

    def __init__(self, controller: Controller, dataplane: Dataplane,  # noqa: PLR0913, PLR0917 - all that it tells of
                 workers: Callable[[], tuple[WorkerStats, ...]],
                 is_stopping: Callable[[], bool], waits_for: Callable[[], str], name: str) -> None:
        self._controller, self._dataplane, self._workers = controller, dataplane, workers
        self._is_stopping, self._waits_for = is_stopping, waits_for
        self._name, self._started = name, monotonic()

    @property
    def snapshot(self) -> Snapshot | None:
        """See `ProgramStatus`."""
        return self._controller.applied

    def stats(self) -> Stats:
        """See `ProgramStatus`."""
        return self._dataplane.stats()

    def program(self) -> Program:
        """See `ProgramStatus`."""
        return Program(self._name, self._started, self._controller.trouble)

    def why_not_ready(self) -> str | None:
        """See `ProgramStatus`."""
        if self._is_stopping():
            return "shutting down"
        if self.snapshot is None:
            return "nothing applied yet"
        if waiting := self._waits_for():
            return waiting
        if not any(backend.is_open for service in self.snapshot.services.values() for backend in service.backends):
            return "no usable backend"
        return None

    def why_not_healthy(self) -> str | None:
        """See `ProgramStatus`."""
        # Workers start with the first snapshot; before it, the absence of workers is no fault.
        for worker in self._workers() if self.snapshot is not None else ():
            if worker.pid is None:
                return f"worker {worker.index} is being replaced"
            if worker.heartbeat_age > HEARTBEAT_LIMIT:
                return f"worker {worker.index} (pid {worker.pid}) has not answered for {worker.heartbeat_age:.0f} s"
        return None
