"""One event loop's share of the dataplane: its listeners, services and connections, and the tick they share.

A worker process is an engine that obeys a channel; tests run one in their own loop.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic, process_time

from lbproxy.dataplanes.userspace.shared import counters, wire
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Rejected
from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.idle_reaper import TICK, IdleReaper
from lbproxy.dataplanes.userspace.worker.listener import Gate, Listener
from lbproxy.dataplanes.userspace.worker.pending_connections import WorkerParts
from lbproxy.dataplanes.userspace.worker.pool import Pool, Target
from lbproxy.dataplanes.userspace.worker.service import LiveService
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy

RESERVED_DESCRIPTORS = 64
"""Kept back for everything that is not a client's or a backend's socket."""

Report = Callable[[str, dict[str, object]], None]
"""Told what the main process should know: the event's name and its fields."""


class Engine:
    """Accepts and relays in the running loop. `blocks[index]` are its counters, the others are the other workers'.

    `descriptors` is how many the process may have open. What changes connections is a batch of the byte loop: when a
    method returns, what it caused is done.
    """

    def __init__(self, index: int, blocks: Sequence[memoryview], descriptors: int, report: Report) -> None:
        self._loop = asyncio.get_running_loop()
        self._index, self._blocks, self._cells, self._report = index, blocks, blocks[index], report
        self._byte_loop = ByteLoop()
        self._reaper = IdleReaper(self._cells)
        self._gate = Gate(self._byte_loop, self._cells, descriptors - RESERVED_DESCRIPTORS, self._on_gate)
        self._cells[counters.DESCRIPTOR_LIMIT] = self._gate.limit
        self._cpu_before = self._cells[counters.CPU_TIME]  # of the workers whose place this one has taken
        self._services: dict[str, LiveService] = {}
        self._byte_loop.slow_path.on_copying = self._on_copying
        self._cells[counters.IS_COPYING] = 0
        if why := self._byte_loop.slow_path.why_copying:
            self._on_copying(why)
        self._loop.add_reader(self._byte_loop.fileno(), self._run)
        self._timer = self._loop.call_soon(self._tick)
        self._next_turn: asyncio.Handle | None = None
        self._next_tick = 0.0
        self._control: int | None = None

    def __len__(self) -> int:
        """How many clients it serves, waiting ones included."""
        return len(self._reaper) + sum(len(service.pending) for service in self._services.values())

    def own_loop(self, control: int) -> None:
        """Use the loop alone, but for the reader of this descriptor: the byte loop may wait till the next tick."""
        self._control = control
        self._byte_loop.own_loop(control)

    def share_loop(self) -> None:
        """Others use the loop too, as before `own_loop`, whose descriptor is no longer watched."""
        if self._control is not None:
            self._byte_loop.share_loop(self._control)
            self._control = None

    def put_service(self, name: str, slot: int, policy: Policy) -> None:
        """Add a service, or change how it treats its connections; `slot` is its place in the counters."""
        with self._byte_loop.batch():
            if name not in self._services:
                self._services[name] = self._new_service(name, slot)
            self._services[name].configure(policy)

    def put_members(self, name: str, members: Sequence[Member]) -> None:
        """Add or change backends of a service."""
        with self._byte_loop.batch():
            service = self._services[name]
            service.pool.put(members)
            service.pending.admit_queued()

    def drop_members(self, name: str, addresses: Sequence[Address]) -> None:
        """Forget backends; the connections that they still have are reset."""
        with self._byte_loop.batch():
            for address in addresses:
                self._services[name].drop(address)

    def drop_service(self, name: str) -> None:
        """Forget a service whose listeners and backends are gone already; clients that wait are refused."""
        with self._byte_loop.batch():
            self._services.pop(name).pending.abandon_all(Rejected.REMOVED)

    def listen(self, name: str, address: Address, fd: int) -> None:
        """Accept this service's clients from a listening socket; takes the descriptor over."""
        self._gate.add(Listener(address, fd, self._services[name], self._gate))

    def unlisten(self, address: Address) -> None:
        """Accept the clients that wait already, then no more."""
        with self._byte_loop.batch():
            self._gate.remove(address)

    def describe_choice(self, name: str, leaving: Sequence[Address]) -> dict[str, object]:
        """Say which backend a service would choose next and by which scores; how old `leaving`'s connections are.

        The fields of an ANSWER of the wire; ages are in seconds. An unknown service has no backends.
        """
        service = self._services.get(name)
        if service is None:
            return {"next": None, "members": [], "oldest": []}
        ages = service.oldest(leaving) if leaving else {}
        return {"next": service.pool.next(), "members": service.pool.scores(), "oldest": list(ages.items())}

    def stop_accepting(self) -> None:
        """Give all listening sockets back; connections go on."""
        for address in list(self._gate.listeners):
            self.unlisten(address)

    def close(self) -> None:
        """Reset whatever is left and stop."""
        with self._byte_loop.batch():
            self.stop_accepting()
            for service in self._services.values():
                service.pending.abandon_all(Rejected.SHUTDOWN)
            for connection in self._reaper:
                connection.service.close(connection, Closed.SHUTDOWN)
        self._timer.cancel()
        if self._next_turn is not None:
            self._next_turn.cancel()
        self._loop.remove_reader(self._byte_loop.fileno())
        self._byte_loop.close()

    def _new_service(self, name: str, slot: int) -> LiveService:
        return LiveService(
            WorkerParts(self._byte_loop, self._reaper, self._cells), Pool(self._cells, self._blocks, self._index), slot,
            on_failing=partial(self._on_failing, name), on_exhausted=partial(self._gate.pause, "descriptors"))

    def _run(self) -> None:
        if self._byte_loop.run(0.0 if self._control is None else self._next_tick):
            self._next_turn = self._loop.call_soon(self._run)  # bulk streams wait for their turn: no event will say so

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        self._byte_loop.now = now = monotonic()
        self._next_tick = now + TICK
        self._cells[counters.HEARTBEAT] = int(now * counters.MILLISECONDS)
        self._cells[counters.DESCRIPTORS] = len(self._byte_loop)
        self._cells[counters.CPU_TIME] = self._cpu_before + int(process_time() * counters.MICROSECONDS)
        with self._byte_loop.batch():
            self._byte_loop.slow_path.close_delivered()
            self._reaper.tick(now)
            for service in self._services.values():
                service.pending.expire(now)
            self._gate.review()

    def _on_gate(self, is_paused: bool, why: str) -> None:  # noqa: FBT001 - a callback's one fact
        self._report(wire.PAUSED if is_paused else wire.RESUMED, {"reason": why, "limit": self._gate.limit})

    def _on_copying(self, why: str) -> None:
        self._cells[counters.IS_COPYING] = 1
        self._report(wire.COPYING, {"reason": why})

    def _on_failing(self, name: str, target: Target) -> None:
        self._report(wire.FAILING, {"service": name, "host": target.address.host, "port": target.address.port,
                                    "failures": max(target.failures, target.resets)})
