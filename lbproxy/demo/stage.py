"""The processes on stage: three backends that may be stopped and started again, and the balancer before them."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import aiohttp

from lbproxy.demo.children import Child, Children
from lbproxy.demo.errors import DemoError
from lbproxy.demo.pace import paced
from lbproxy.demo.ports import Reservation
from lbproxy.model.address import Address
from lbproxy.text.units import format_duration

NAMES = ("alpha", "bravo", "charlie")
LISTEN_PORT, ADMIN_PORT = 8080, 9180
"""Preferred; any free ones if they are taken."""
START_TIMEOUT = 15.0
"""Seconds in which a process must answer: much, as the machine may be busy."""
LOOK_INTERVAL = 0.05
STOP_TIMEOUT = 8.0
"""Seconds after which a process is killed that was told to stop: longer than either takes to finish its requests."""
DRAIN_TIMEOUT = 5.0
WORKERS = 2
"""Enough to show that there are several, on any machine."""


class BackendProcess:
    """One backend; its port stays its own while it does not run."""

    def __init__(self, name: str, children: Children, client: aiohttp.ClientSession) -> None:
        self.name = name
        self.child: Child | None = None
        self._reservation = Reservation()
        self._children, self._client = children, client

    @property
    def address(self) -> Address:
        """Where it listens, when it runs."""
        return self._reservation.address

    async def start(self) -> None:
        """Start it and wait until it answers. Raises `DemoError` if it doesn't."""
        self.child = await self._children.start("-m", "lbproxy.demo.backend", self.name, str(self.address.port))
        await _until_it_answers(self.name, self.child, self._client, f"http://{self.address}/")

    async def stop(self) -> None:
        """Tell it to stop and wait until it has."""
        if self.child is not None:
            child, self.child = self.child, None
            await child.stop(STOP_TIMEOUT)

    async def lost(self) -> int | None:
        """Give its exit code if it has ended without being told to."""
        if self.child is None or self.child.exit_code is None:
            return None
        child, self.child = self.child, None
        return await child.ended()

    def close(self) -> None:
        """Give its port back."""
        self._reservation.close()


class Stage:
    """Backends and balancer. Whoever owns `children` makes sure that they end."""

    def __init__(self, children: Children, client: aiohttp.ClientSession, resources: ExitStack) -> None:
        self.backends = [BackendProcess(name, children, client) for name in NAMES]
        listen, admin = Reservation(LISTEN_PORT), Reservation(ADMIN_PORT)
        self.listen, self.admin = listen.address, admin.address
        self._children, self._client = children, client
        self._balancer: Child | None = None
        for close in (listen.close, admin.close, *(backend.close for backend in self.backends)):
            resources.callback(close)

    async def start(self, health_interval: float) -> None:
        """Start all of them and wait until they answer. Raises `DemoError` if one doesn't."""
        await asyncio.gather(*(backend.start() for backend in self.backends))
        addresses = [str(backend.address) for backend in self.backends]
        self._balancer = await self._children.start(*command(self.listen, self.admin, addresses, health_interval))
        await _until_it_answers("the balancer", self._balancer, self._client, f"http://{self.admin}/readyz")

    async def stop(self) -> None:
        """Stop all of them in order. Raises `DemoError` if the balancer did not end well."""
        balancer, self._balancer = self._balancer, None
        code = await balancer.stop(STOP_TIMEOUT) if balancer else 0
        await asyncio.gather(*(backend.stop() for backend in self.backends))
        if balancer and code:
            raise _complaint("the balancer did not end well", balancer)

    def check(self) -> None:
        """Raise `DemoError` if the balancer has ended by itself."""
        if self._balancer is not None and self._balancer.exit_code is not None:
            raise _complaint("the balancer has ended by itself", self._balancer)


def command(listen: Address, admin: Address, backends: Sequence[str], health_interval: float) -> list[str]:
    """Give the arguments of the balancer: what anybody would write."""
    options = {"--listen": listen, "--admin": admin, "--workers": WORKERS, "--shutdown-delay": "0s",
               "--drain-timeout": format_duration(DRAIN_TIMEOUT), "--health-interval": format_duration(health_interval),
               "--log-level": "warning", "--log-format": "text"}
    pairs = (*options.items(), *(("--backend", backend) for backend in backends))
    return ["-m", "lbproxy", "run", *(str(word) for pair in pairs for word in pair)]


async def _until_it_answers(name: str, child: Child, client: aiohttp.ClientSession, url: str) -> None:
    async for step in paced(LOOK_INTERVAL, asyncio.Event()):
        if child.exit_code is not None:
            raise _complaint(f"{name} did not start", child)
        if await _answers(client, url):
            return
        if step * LOOK_INTERVAL > START_TIMEOUT:
            raise _complaint(f"{name} did not answer within {START_TIMEOUT:.0f} s", child)


async def _answers(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url, timeout=aiohttp.ClientTimeout(total=START_TIMEOUT)) as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False


def _complaint(what: str, child: Child) -> DemoError:
    end = "" if child.exit_code is None else f" (exit code {child.exit_code})"
    return DemoError(f"{what}{end}. It wrote:\n{child.output() or '(nothing)'}")
