"""A dataplane with real backends behind it and real clients before it."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend as BackendState
from lbproxy.model.snapshot import BackendKey, Policy, Service, Snapshot, State
from tests.support.patience import PATIENCE
from tests.support.peers import Backend, Client, free_address, is_refused, until_refused

from .kinds import Kind
from .topologies import Loopback, Topology

LOOPBACK = Loopback()
POLICY = Policy(drain_timeout=60.0)


def active(backend: Backend, weight: int = 1) -> BackendState:
    """It gets new connections."""
    return BackendState(backend.address, weight, State.ACTIVE, "ready", 0.0)


def draining(backend: Backend, *, is_open: bool = False) -> BackendState:
    """It keeps its connections; it gets new ones only as the last resort."""
    return BackendState(backend.address, 1, State.DRAINING, "terminating", 0.0, is_open, 60.0)


def down(backend: Backend) -> BackendState:
    """It keeps its connections and gets no new ones for now."""
    return BackendState(backend.address, 1, State.DOWN, "check failed: refused", 0.0, is_open=False)


def web(listen: Address, *backends: BackendState, name: str = "web", policy: Policy = POLICY) -> Service:
    return Service(name, (listen,), policy, backends)


class Harness:
    """One dataplane over the tests of a module: each starts and ends without any service."""

    def __init__(self, kind: Kind, topology: Topology = LOOPBACK) -> None:
        self.kind, self.topology = kind, topology
        self.dataplane = kind.make()
        self._version = 0
        self._backends: list[Backend] = []
        self._clients: list[Client] = []

    async def apply(self, *services: Service) -> Snapshot:
        """Apply a new snapshot of these services, and give it."""
        snapshot = self.snapshot(*services)
        await self.dataplane.apply(snapshot)
        return snapshot

    def snapshot(self, *services: Service) -> Snapshot:
        """A snapshot that is newer than any before."""
        self._version += 1
        return Snapshot(self._version, {service.name: service for service in services})

    async def backends(self, *names: str, family: socket.AddressFamily = socket.AF_INET) -> list[Backend]:
        """Start so many backends."""
        host = self.topology.backend_host(family)
        started = [await Backend(name).start_with(self.topology.backend_socket(family), host) for name in names]
        self._backends += started
        return started

    async def client(self, address: Address) -> Client:
        """A client that is connected to a backend, and stays."""
        client = await Client.connect_with(self.topology.client_socket(address.family), address)
        self._clients.append(client)
        await client.ask()
        return client

    async def clients(self, address: Address, count: int) -> dict[Client, str]:
        """So many, one after the other, and who serves each."""
        return {client: await client.ask() for client in [await self.client(address) for _ in range(count)]}

    async def served_by(self, address: Address, count: int) -> Counter[str]:
        """How many of so many new clients each backend gets."""
        return Counter((await self.clients(address, count)).values())

    def free_listen(self, family: socket.AddressFamily = socket.AF_INET) -> Address:
        """An address for the balancer to listen on."""
        return free_address(self.topology.listen_host(family))

    def free_backend(self) -> Address:
        """An address where there might be a backend."""
        return free_address(self.topology.backend_host(socket.AF_INET), self.topology.backend_socket(socket.AF_INET))

    async def is_refused(self, address: Address) -> bool:
        """A new client gets no backend there."""
        return await is_refused(address, self.topology.client_socket(address.family))

    async def until_refused(self, address: Address) -> None:
        """Come again until nobody gets a backend there any more."""
        await until_refused(address, self.topology.client_socket)

    async def is_reset(self, client: Client) -> bool:
        """Wait until the client learns that its connection is no more; whether by a reset."""
        return await client.is_reset(asks=not self.kind.tells_at_once)

    async def look(self) -> None:
        """Return when the counts of what is open are as things are now."""
        await self.kind.look(self.dataplane)

    async def catch_up(self) -> None:
        """Return when the totals are as things are now."""
        await self.kind.catch_up(self.dataplane)

    def active(self, service: str = "web") -> dict[Address, int]:
        """Connections of each backend now."""
        backends = self.dataplane.stats().backends
        return {key.address: stats.active for key, stats in backends.items() if key.service == service}

    def totals(self) -> dict[tuple[object, ...], int]:
        """Everything that only grows, copied."""
        stats = self.dataplane.stats()
        grown: dict[tuple[object, ...], int] = {("restarts",): stats.worker_restarts}
        for name, service in stats.services.items():
            grown[name, "accepted"] = service.accepted
            grown |= {(name, "rejected", reason): count for reason, count in service.rejected.items()}
        for key, backend in stats.backends.items():
            grown |= _totals(key, backend.connections, backend.bytes_received, backend.bytes_sent, backend.retries)
            grown |= {(key, "failed", reason): count for reason, count in backend.failures.items()}
            grown |= {(key, "closed", reason): count for reason, count in backend.closed.items()}
        return grown

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for counters to say so: no event announces them."""
        await self.look()
        async with asyncio.timeout(PATIENCE):
            while not is_true():
                await asyncio.sleep(0.005)
                await self.look()

    async def clear(self) -> None:
        """All clients leave, and then every count must be zero; then all services and backends go."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        await self.until(lambda: not any(one.active for one in self.dataplane.stats().backends.values()))
        assert not any(service.queued for service in self.dataplane.stats().services.values())
        await self.apply()
        await self._close_backends()

    async def end(self) -> None:
        """Whatever is left ends."""
        await self.dataplane.close()
        for client in self._clients:
            client.close()
        await self._close_backends()

    async def _close_backends(self) -> None:
        for backend in self._backends:
            await backend.close()
        self._backends.clear()


def _totals(key: BackendKey, *counts: int) -> dict[tuple[object, ...], int]:
    return {(key, place): count for place, count in enumerate(counts)}
