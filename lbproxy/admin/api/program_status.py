"""What the running program reports about itself: its snapshot, its counters, and whether it is ready and healthy.

Ready means, here and wherever it is shown: every service was told its backends once and they are in force, at least one
worker accepts at every address, a backend is usable, and the program is not stopping. Healthy means that no worker has
been silent or missing for longer than its replacement takes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from time import monotonic
from typing import Protocol, TypeVar

from lbproxy.control.controller import Controller
from lbproxy.model import diff
from lbproxy.model.dataplane import Dataplane
from lbproxy.model.facts import Program
from lbproxy.model.snapshot import Snapshot
from lbproxy.model.stats import Stats, WorkerStats

HEARTBEAT_LIMIT = 5.0
"""Seconds without a heartbeat after which a worker counts as down: it accepts nobody now."""
NOT_HEALTHY_AFTER = 60.0
"""Seconds without a heartbeat after which the process is not healthy.

More than the dataplane takes to replace a worker that hangs (`supervisor.REPAIRED_WITHIN`): a liveness probe restarts
everything and resets every connection, so it must come only when the dataplane's own repair has failed.
"""
NOTHING = Snapshot(0, {})
K = TypeVar("K")
V = TypeVar("V")


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
        """Every reason why new clients should be sent elsewhere, in one line; None if they should come."""

    def why_not_healthy(self) -> str | None:
        """Why this process should be restarted, in one line; None if it should not."""


class ControllerStatus:
    """The status, read from controller and dataplane. Owns neither.

    `workers` gives the dataplane's processes, if it has any; `waits_for` says in one line which answer of a source is
    still missing, or nothing; `name` is the dataplane's; `refusal` says why the configuration file is not in force, or
    nothing.
    """

    def __init__(self, controller: Controller, dataplane: Dataplane,  # noqa: PLR0913, PLR0917 - all that it tells of
                 workers: Callable[[], tuple[WorkerStats, ...]],
                 is_stopping: Callable[[], bool], waits_for: Callable[[], str], name: str,
                 refusal: Callable[[], str] = str) -> None:
        self._controller, self._dataplane, self._workers = controller, dataplane, workers
        self._is_stopping, self._waits_for, self._refusal = is_stopping, waits_for, refusal
        self._name, self._started = name, monotonic()
        self._was_current = False  # what the sources said at first is in force; later changes never end readiness

    @property
    def snapshot(self) -> Snapshot | None:
        """See `ProgramStatus`."""
        return self._controller.applied

    def stats(self) -> Stats:
        """See `ProgramStatus`. What the dataplane is only about to serve is left out: it is not in force yet."""
        stats, pending = self._dataplane.stats(), self._controller.pending
        return stats if pending is None else _without_new(stats, self._controller.applied or NOTHING, pending)

    def program(self) -> Program:
        """See `ProgramStatus`."""
        return Program(self._name, self._started, self._controller.trouble, self._refusal())

    def why_not_ready(self) -> str | None:
        """See `ProgramStatus`."""
        return "; ".join(self._objections()) or None

    def why_not_healthy(self) -> str | None:
        """See `ProgramStatus`."""
        # Workers start with the first snapshot; before it, the absence of workers is no fault.
        silent = [worker for worker in self._workers() if worker.heartbeat_age > NOT_HEALTHY_AFTER]
        return "; ".join(map(_silence, silent)) or None if self.snapshot is not None else None

    def _objections(self) -> Iterator[str]:
        snapshot = self.snapshot
        if self._is_stopping():
            yield "shutting down"
        elif snapshot is None:
            yield f"nothing applied yet: {self._controller.trouble}" if self._controller.trouble else (
                "nothing applied yet")
        else:
            yield from _worker_objections(self._workers())
            if missing := self._missing():
                yield missing  # it may be why no backend is usable
            elif not any(backend.is_open for service in snapshot.services.values() for backend in service.backends):
                yield "no usable backend"

    def _missing(self) -> str:
        """What of the first answers is missing, or not in force yet; empty: nothing, or all was there once."""
        if waiting := self._waits_for():
            return waiting
        self._was_current |= not self._controller.is_behind
        if self._was_current:
            return ""
        trouble = self._controller.trouble
        return "what the sources say is not in force yet" + (f": {trouble}" if trouble else "")


def _worker_objections(workers: Iterable[WorkerStats]) -> Iterator[str]:
    """Each worker accepts at every address or at none. A dataplane without workers has the kernel accept."""
    objections = [(worker.index, _why_not_accepting(worker)) for worker in workers]
    if objections and all(why for _, why in objections):
        yield f"no worker accepts: {', '.join(f'worker {index} {why}' for index, why in objections)}"


def _why_not_accepting(worker: WorkerStats) -> str:
    """Why a worker accepts no clients now; empty: it does."""
    if worker.pid is None:
        return "is being replaced"
    if worker.heartbeat_age > HEARTBEAT_LIMIT:
        return f"has not answered for {worker.heartbeat_age:.0f} s"
    if not worker.is_listening:
        return "is starting"
    return "is short of descriptors" if worker.is_paused else ""


def _silence(worker: WorkerStats) -> str:
    seconds = f"{worker.heartbeat_age:.0f} s"
    return f"worker {worker.index} could not be replaced for {seconds}" if worker.pid is None else (
        f"worker {worker.index} (pid {worker.pid}) has not answered for {seconds}")


def _without_new(stats: Stats, applied: Snapshot, pending: Snapshot) -> Stats:
    services = pending.services.keys() - applied.services.keys()
    return replace(stats, services=_Without(stats.services, services),
                   backends=_Without(stats.backends, diff.keys(applied, pending)[1]))


class _Without(Mapping[K, V]):
    """A mapping without some of its keys. Reads a value when it is asked for, as the mapping itself."""

    def __init__(self, all_of: Mapping[K, V], hidden: AbstractSet[K]) -> None:
        self._all, self._hidden = all_of, hidden

    def __getitem__(self, key: K) -> V:
        if key in self._hidden:
            raise KeyError(key)
        return self._all[key]

    def __iter__(self) -> Iterator[K]:
        return (key for key in self._all if key not in self._hidden)

    def __len__(self) -> int:
        return sum(1 for _ in self)
