"""The userspace dataplane, seen from the main process: workers move the bytes, shared memory holds the counters."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from time import monotonic

from lbproxy.dataplanes.userspace.main import counter_view
from lbproxy.dataplanes.userspace.main.counter_view import Slots
from lbproxy.dataplanes.userspace.main.listening_sockets import ListeningSockets
from lbproxy.dataplanes.userspace.main.supervisor import Supervisor, WorkerProcess
from lbproxy.dataplanes.userspace.main.worker_messages import NOTHING, SlotNumbers, worker_messages
from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.channel import Message
from lbproxy.model import diff
from lbproxy.model.address import Address
from lbproxy.model.errors import DataplaneError
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.model.stats import SchedulerChoice, Score, Stats, WorkerStats
from lbproxy.tasks import Restarter

SYNC_TIMEOUT = 5.0
"""Seconds that a worker may take to obey a snapshot."""
ASK_TIMEOUT = 1.0
"""Seconds that a worker may take to say how it would choose; it is asked when an operator asks."""
DRAIN_POLL = 0.05
"""Seconds between two looks whether the last connection has ended."""


class UserspaceDataplane:
    """Accepts TCP and relays it in `workers` processes, which start with the first `apply`.

    `on_failing` is told of each backend that failed several times in a row in one worker.
    """

    def __init__(self, workers: int, on_failing: Callable[[BackendKey], None] = lambda _: None,
                 restarter: Restarter | None = None) -> None:
        """Raises `DataplaneError` if the machine gives no memory for the counters."""
        self._on_failing = on_failing
        self._snapshot = self._slots_for = NOTHING
        self._unused: set[BackendKey] = set()
        """Backends that hold slots and are not in the snapshot that slots are held for."""
        self._told: dict[WorkerProcess, Snapshot] = {}
        self._listening = ListeningSockets(workers)
        self._services = Slots[str](counters.MAX_SERVICES, "services")
        self._backends = Slots[BackendKey](counters.MAX_BACKENDS, "backends")
        self._supervisor = Supervisor(workers, self._update, self._account_lost, self._report_failing,
                                      restarter or Restarter())

    async def apply(self, snapshot: Snapshot) -> None:
        """Make the snapshot true; see `Dataplane.apply`. Raises `BindError` before anything was changed."""
        listens = {address for service in snapshot.services.values() for address in service.listens}
        self._assign_slots(snapshot)
        self._listening.open(listens)
        self._snapshot = snapshot
        self._listening.close_all_but(listens)  # first: the last holder, a worker, takes the clients that wait
        for worker in self._supervisor.running.values():
            self._update(worker)
        await self._supervisor.start()
        await self._wait_until_synced(snapshot.version)
        self._free_slots()

    async def drain(self, timeout: float) -> None:
        """Accept no more; wait until the last connection has ended, or reset the rest after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._stop_listening()
                while self._clients():  # noqa: ASYNC110 - shared memory has no events
                    await asyncio.sleep(DRAIN_POLL)
        except TimeoutError:
            await self.close()

    async def _stop_listening(self) -> None:
        """Return when the workers have accepted every client that waited; a replacement accepts none either."""
        if self._snapshot is not NOTHING:
            services = {name: replace(service, listens=()) for name, service in self._snapshot.services.items()}
            with suppress(DataplaneError):  # a worker that hangs: its connections are reset in the end
                await self.apply(Snapshot(self._snapshot.version + 1, services))

    def stats(self) -> Stats:
        """Read the counters of all workers."""
        blocks = self._supervisor.blocks
        return Stats(
            services=counter_view.CounterView(self._services.held, partial(counter_view.service_stats, blocks)),
            backends=counter_view.CounterView(self._backends.held, partial(counter_view.backend_stats, blocks)),
            workers=self.workers(),
            worker_restarts=self._supervisor.restarts,
        )

    async def choices(self, service: str, leaving: Sequence[Address]) -> tuple[SchedulerChoice, ...]:
        """How each worker would choose now, and how old the connections of `leaving` are.

        A worker that does not answer within ASK_TIMEOUT is left out.
        """
        workers = list(self._supervisor.running.values())
        told = await asyncio.gather(*(worker.ask(service, leaving, ASK_TIMEOUT) for worker in workers))
        return tuple(_choice(worker.index, message) for worker, message in zip(workers, told, strict=True) if message)

    def workers(self) -> tuple[WorkerStats, ...]:
        """The worker processes alone: cheap with any number of backends."""
        running, now = self._supervisor.running, monotonic()
        return tuple(counter_view.worker_stats(block, index, worker.process.pid if worker else None, now,
                                               is_listening=worker is not None and worker.is_listening)
                     for index, block in enumerate(self._supervisor.blocks) for worker in [running.get(index)])

    async def close(self) -> None:
        """End all workers now."""
        self._listening.close_all_but(())
        await self._supervisor.stop()

    def _assign_slots(self, snapshot: Snapshot) -> None:
        gone, come = diff.keys(self._slots_for, snapshot)
        self._services.assign(snapshot.services)
        self._backends.assign(come)
        left_out = _left_out(snapshot)
        unused = (self._unused | gone | _left_out(self._slots_for)) - come - left_out
        self._unused = unused & self._backends.held.keys()
        self._slots_for = snapshot

    def _free_slots(self) -> None:
        """Zero and free the slots of what is not in the snapshot; every worker must have forgotten it."""
        blocks = self._supervisor.blocks
        for slot in self._backends.free(self._unused):
            counter_view.reset_slot(blocks, counters.backend_at(slot), counters.BACKEND_CELLS)
        for slot in self._services.free(self._services.held.keys() - self._slots_for.services.keys()):
            counter_view.reset_slot(blocks, counters.service_at(slot), counters.SERVICE_CELLS)
        self._unused = set()

    async def _wait_until_synced(self, version: int) -> None:
        waiting = {worker.synced(version): worker for worker in self._supervisor.running.values()}
        late = (await asyncio.wait(waiting, timeout=SYNC_TIMEOUT))[1] if waiting else set()
        if late:
            pids = ", ".join(str(waiting[future].process.pid) for future in late)
            raise DataplaneError(f"no answer from worker {pids} within {SYNC_TIMEOUT:g} s")

    def _update(self, worker: WorkerProcess) -> None:
        """Send a worker what it does not know yet of the snapshot: all of it, or nothing and `DataplaneError`."""
        before = self._told.get(worker, NOTHING)
        numbers = SlotNumbers(self._services.held, self._backends.held)
        changes = list(worker_messages(before, self._snapshot, numbers))
        _ensure_descriptors(sum(change.listen is not None for change in changes))
        for change in changes:
            listen = change.listen
            descriptors = (self._listening.descriptor(listen, worker.index),) if listen else ()
            worker.channel.send(change.message, descriptors)
        self._told[worker] = self._snapshot

    def _account_lost(self, worker: WorkerProcess) -> int:
        self._told.pop(worker, None)
        services, backends = self._services.held, self._backends.held
        return counter_view.account_lost_worker(self._supervisor.blocks[worker.index], services.values(),
                                                {slot: services[key.service] for key, slot in backends.items()})

    def _clients(self) -> int:
        stats = self.stats()
        return (sum(service.queued for service in stats.services.values())
                + sum(backend.active for backend in stats.backends.values()))

    def _report_failing(self, message: Message) -> None:
        self._on_failing(BackendKey(message["service"], Address(message["host"], message["port"])))


def _ensure_descriptors(count: int) -> None:
    """Raise `DataplaneError` if so many can't be opened now: a worker must not be told half of a snapshot."""
    duplicates = []
    try:
        for _ in range(count):
            duplicates.append(os.dup(0))  # noqa: PERF401 - what was opened is closed in the end
    except OSError as error:
        raise DataplaneError(f"can't pass listening sockets to a worker: {error.strerror}") from error
    finally:
        for duplicate in duplicates:
            os.close(duplicate)


def _left_out(snapshot: Snapshot) -> set[BackendKey]:
    """Backends that come back soon: their slots, and so their counters, stay theirs."""
    return {BackendKey(service.name, address) for service in snapshot.services.values() for address in service.left_out}


def _choice(index: int, message: Message) -> SchedulerChoice:
    scores = {Address(*address): Score(score, active, is_full)
              for address, score, active, is_full in message["members"]}
    oldest = {Address(*address): seconds for address, seconds in message["oldest"]}
    return SchedulerChoice(index, Address(*message["next"]) if message["next"] else None, scores, oldest)
