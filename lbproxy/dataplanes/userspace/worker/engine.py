"""One event loop's share of the dataplane: its listeners, services and connections, and the tick they share.

A worker process is an engine that obeys a channel; tests run one in their own loop.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic, process_time

from lbproxy.dataplanes.userspace.shared import counters, wire
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Rejected
from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.idle_reaper import TICK, IdleReaper
from lbproxy.dataplanes.userspace.worker.listener import Gate, Listener
from lbproxy.dataplanes.userspace.worker.pool import Pool
from lbproxy.dataplanes.userspace.worker.service import LiveService
from lbproxy.dataplanes.userspace.worker.target import Target
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy

RESERVED_DESCRIPTORS = 64
"""Kept back for everything that is not a client's or a backend's socket."""

Report = Callable[[str, dict[str, object]], None]
"""Told what the main process should know: the event's name and its fields."""


class Engine:
    """Accepts and relays in the running loop. `blocks[index]` are its counters, the others are the other workers'."""

    def __init__(self, index: int, blocks: Sequence[memoryview], descriptors: int, report: Report) -> None:
        self._loop = asyncio.get_running_loop()
        self._index, self._blocks, self._cells, self._report = index, blocks, blocks[index], report
        self._relay = ByteLoop()
        self._sweep = IdleReaper(self._cells)
        self._gate = Gate(self._relay, self._cells, descriptors - RESERVED_DESCRIPTORS, self._on_gate)
        self._cells[counters.DESCRIPTOR_LIMIT] = self._gate.limit
        self._cpu_before = self._cells[counters.CPU_TIME]  # what those used whose place this worker has taken
        self._services: dict[str, LiveService] = {}
        self._loop.add_reader(self._relay.fileno(), self._run)
        self._timer = self._loop.call_soon(self._tick)
        self._next_turn: asyncio.Handle | None = None
        self._next_tick = 0.0
        self._control: int | None = None

    def __len__(self) -> int:
        """How many clients it serves, waiting ones included."""
        return len(self._sweep) + sum(len(service.reception) for service in self._services.values())

    def own_loop(self, control: int) -> None:
        """Nobody else uses the loop, but who reads this descriptor: the relay may wait till the next tick."""
        self._control = control
        self._relay.own_loop(control)

    def share_loop(self) -> None:
        """Others use the loop too, as before `own_loop`, whose descriptor is no longer looked at."""
        if self._control is not None:
            self._relay.share_loop(self._control)
            self._control = None

    def put_service(self, name: str, slot: int, policy: Policy) -> None:
        """Add a service, or change how it treats its connections."""
        service = self._services.get(name)
        if service is None:
            pool = Pool(self._cells, self._blocks, self._index)
            service = self._services[name] = LiveService(self._relay, self._sweep, pool, self._cells, slot)
            service.reception.on_failing = lambda target: self._on_failing(name, target)
            service.reception.on_exhausted = lambda: self._gate.pause("descriptors")
        service.configure(policy)
        self._relay.settle()

    def put_members(self, name: str, members: Sequence[Member]) -> None:
        """Add or change backends of a service."""
        service = self._services[name]
        service.pool.put(members)
        service.reception.feed()
        self._relay.settle()

    def drop_members(self, name: str, addresses: Sequence[Address]) -> None:
        """Forget backends; the connections that they still have are reset."""
        for address in addresses:
            self._services[name].drop(address)
        self._relay.settle()

    def drop_service(self, name: str) -> None:
        """Forget a service whose listeners and backends are gone already; clients that wait are refused."""
        service = self._services.pop(name)
        service.reception.abandon_all(Rejected.REMOVED)
        self._relay.settle()

    def listen(self, name: str, address: Address, fd: int) -> None:
        """Accept this service's clients from a listening socket; takes the descriptor over."""
        self._gate.add(Listener(address, fd, self._services[name], self._gate))

    def unlisten(self, address: Address) -> None:
        """Accept who waits already, then no more."""
        self._gate.remove(address)
        self._relay.settle()

    def tell(self, name: str, leaving: Sequence[Address]) -> dict[str, object]:
        """Say whom a service would choose next and by which scores, and how old the connections of `leaving` are."""
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
        self.stop_accepting()
        for service in self._services.values():
            service.reception.abandon_all(Rejected.SHUTDOWN)
        for connection in self._sweep:
            connection.service.close(connection, Closed.SHUTDOWN)
        self._timer.cancel()
        if self._next_turn is not None:
            self._next_turn.cancel()
        self._loop.remove_reader(self._relay.fileno())
        self._relay.close()

    def _run(self) -> None:
        if self._relay.run(0.0 if self._control is None else self._next_tick):
            self._next_turn = self._loop.call_soon(self._run)  # bulk streams wait for their turn: no event will say so

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        self._relay.now = now = monotonic()
        self._next_tick = now + TICK
        self._cells[counters.HEARTBEAT] = int(now * counters.MILLISECONDS)
        self._cells[counters.DESCRIPTORS] = len(self._relay)
        self._cells[counters.CPU_TIME] = self._cpu_before + int(process_time() * counters.MICROSECONDS)
        self._sweep.tick(now)
        for service in self._services.values():
            service.reception.expire(now)
        self._gate.review()
        self._relay.settle()

    def _on_gate(self, is_paused: bool, why: str) -> None:  # noqa: FBT001 - a callback's one fact
        self._report(wire.PAUSED if is_paused else wire.RESUMED, {"reason": why, "limit": self._gate.limit})

    def _on_failing(self, name: str, target: Target) -> None:
        self._report(wire.FAILING, {"service": name, "host": target.address.host, "port": target.address.port,
                                 "failures": max(target.failures, target.resets)})
