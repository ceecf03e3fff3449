"""IPVS dataplanes, one after the other, over one fake kernel; and short words for what is applied to them."""

import asyncio
import os
import socket
from collections.abc import Callable

from lbproxy.dataplanes.ipvs.dataplane import IpvsDataplane
from lbproxy.dataplanes.ipvs.planning.marks import MarkRange
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, BackendKey, Policy, Service, Snapshot, State
from lbproxy.model.stats import BackendStats
from tests.support.patience import PATIENCE

from .fake_kernel import FakeKernel, FakeMachine

HOST = f"127.{128 + (os.getpid() >> 16) % 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
ALPHA, BRAVO, CHARLIE = (Address("127.0.0.1", port) for port in (9001, 9002, 9003))
FAR = Address("198.51.100.7", 80)


def backend(address: Address, weight: int = 1) -> Backend:
    return Backend(address, weight, State.ACTIVE, "ready", 0.0)


def draining(address: Address, weight: int = 1, *, is_open: bool = False) -> Backend:
    return Backend(address, weight, State.DRAINING, "terminating", 0.0, is_open, 60.0)


def down(address: Address) -> Backend:
    return Backend(address, 1, State.DOWN, "not ready", 0.0, is_open=False)


def dead(address: Address) -> Backend:
    return Backend(address, 1, State.DOWN, "check failed: refused", 0.0, is_open=False, is_dead=True)


def web(listen: Address, *backends: Address | Backend, name: str = "web", policy: Policy | None = None) -> Service:
    members = tuple(backend(one) if isinstance(one, Address) else one for one in backends)
    return Service(name, (listen,), policy or Policy(), members)


def snapshot(*services: Service) -> Snapshot:
    return Snapshot(1, {service.name: service for service in services})


def free_address(host: str = HOST) -> Address:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        return Address(*sock.getsockname()[:2])


class Scene:
    """One lbproxy at a time."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.drifts: list[str] = []
        self.dataplane = self._start()

    @property
    def kernel(self) -> FakeKernel:
        return self.machine.kernel

    async def apply(self, *services: Service) -> None:
        await self.dataplane.apply(snapshot(*services))

    async def restart(self, *, marks: MarkRange | None = None, is_cleaning: bool = False) -> None:
        """The process ends, without cleaning up unless it was told to, and another one starts."""
        await self.dataplane.close()
        self.dataplane = self._start(marks=marks, is_cleaning=is_cleaning)

    def stats(self, address: Address, service: str = "web") -> BackendStats:
        return self.dataplane.stats().backends[BackendKey(service, address)]

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for a pass to see it: no event announces one."""
        async with asyncio.timeout(PATIENCE):
            while not is_true():  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        await self.dataplane.close()

    def _start(self, *, marks: MarkRange | None = None, is_cleaning: bool = False) -> IpvsDataplane:
        return IpvsDataplane(self.machine.parts(), marks, is_cleaning=is_cleaning, on_drift=self.drifts.append)
