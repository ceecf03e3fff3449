"""An engine in the test's own loop, with real sockets on both sides and a clock that only the test moves.

When the harness is closed, whatever the test did: no connection, lease, queue entry, socket or descriptor may be left,
and every client must be accounted for.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

import pytest

from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.dataplanes.userspace.worker import byte_loop, engine
from lbproxy.dataplanes.userspace.worker.connection import Connection
from lbproxy.dataplanes.userspace.worker.idle_reaper import BUCKETS
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy

from .backends import Backend, Refusing
from .checked_byte_loop import CheckedByteLoop
from .engine_counters import SLOT, EngineCounters
from .peers import Peer, until
from .resources import Clock, listening, open_sockets

WEB = "web"
"""The one service."""
PLENTY = 1000
"""Descriptors."""

B = TypeVar("B", bound=Refusing)


class Harness(EngineCounters):
    """One service on one engine, and everything around it."""

    def __init__(self, clock: Clock, descriptors: int, host: str) -> None:
        super().__init__()
        self.sockets_before = open_sockets()
        self.clock, self.host, self.policy = clock, host, Policy()
        self.members: dict[Refusing, Member] = {}
        self.clients: list[Peer] = []
        self.reports: list[tuple[str, dict[str, object]]] = []
        """What the engine would tell the main process."""
        self.is_closed = False
        self.engine = engine.Engine(0, self.blocks, descriptors, lambda *report: self.reports.append(report))
        self.change()
        self.address = self.listen()

    @property
    def connections(self) -> list[Connection]:
        """Those that relay."""
        return list(self.engine._reaper)

    def change(self, **policy: Any) -> None:  # noqa: ANN401 - the policy's fields
        """Change the service's policy."""
        self.policy = replace(self.policy, **policy)
        self.engine.put_service(WEB, SLOT, self.policy)

    def listen(self) -> Address:
        """Listen on one more address."""
        sock, address = listening(self.host)
        self.engine.listen(WEB, address, sock.detach())
        return address

    def backend(self) -> Backend:
        """Add a backend that does what it is told."""
        return self.add(Backend(self.host))

    def add(self, backend: B, service: str = WEB) -> B:
        """Add this backend."""
        self.members[backend] = member = Member(backend.address, self.hold(backend), weight=1, is_open=True)
        self.engine.put_members(service, [member])
        return backend

    def update(self, backend: Refusing, **fields: Any) -> None:  # noqa: ANN401 - the member's fields
        """Tell the engine that a backend has changed, or is back."""
        self.members[backend] = member = self.members[backend]._replace(**fields)
        self.engine.put_members(WEB, [member])

    def drop(self, backend: Refusing) -> None:
        """Make the engine forget a backend."""
        self.engine.drop_members(WEB, [backend.address])

    def client(self, receive_buffer: int = 0) -> Peer:
        """A client whose handshake is done. The engine has not accepted it yet."""
        sock = socket.socket(self.address.family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.clients.append(peer := Peer(sock))
        sock.setblocking(True)  # noqa: FBT003 - its only argument
        sock.connect(self.address)
        sock.setblocking(False)  # noqa: FBT003 - its only argument
        return peer

    async def pair(self, backend: Backend) -> tuple[Peer, Peer]:
        """A client, and the other end of its connection."""
        client = self.client()
        return client, await backend.accept()

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and let the engine's tick meet every connection once."""
        self.clock.now += seconds
        for _ in range(BUCKETS):
            self.engine._timer.cancel()
            self.engine._tick()

    async def tick(self) -> None:
        """Tick as fast as the loop allows, until cancelled; time stands still."""
        while True:
            await asyncio.sleep(0)
            self.engine._timer.cancel()
            self.engine._tick()

    async def delivers(self) -> None:
        """The kernel has got rid of everything that was relayed."""
        await until(lambda: not any(end.unacked() for c in self.connections for end in (c.client, c.server)))

    async def idles(self) -> None:
        """Everything ends without the test's doing, and nothing is left of it."""
        await until(lambda: not len(self.engine))
        assert len(self.engine._byte_loop) == 0
        assert self.is_balanced(), (self.service, self.totals())

    def reset_peers(self) -> None:
        """End every connection from outside."""
        for peer in chain(self.clients, *(backend.accepted for backend in self.members)):
            peer.reset()

    def close_engine(self) -> None:
        """Close it, unless the test has done so already."""
        if not self.is_closed:
            self.is_closed = True
            self.engine.close()

    def close(self) -> None:
        self.reset_peers()
        for backend in self.members:
            backend.close()
        self.close_engine()
        for block in self.blocks:
            block.release()  # its descriptor too, and not when the collector comes by


@asynccontextmanager
async def opened(
        descriptors: int = PLENTY, host: str = "127.0.0.1", *, has_own_clock: bool = True) -> AsyncIterator[Harness]:
    """A harness; in the end nothing may be left in it. Without a clock of its own everything is as in production."""
    clock, errors = Clock(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "ByteLoop", CheckedByteLoop)
        if has_own_clock:
            patch.setattr(engine, "monotonic", clock)
            patch.setattr(byte_loop, "monotonic", clock)
            patch.setattr(byte_loop, "LINGER", 0.0)  # what would come meanwhile is in this very loop
        with closing(Harness(clock, descriptors, host)) as harness:
            yield harness
            harness.reset_peers()
            await harness.idles()
    assert not errors
    assert open_sockets() == harness.sockets_before
