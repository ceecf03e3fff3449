"""The programs of the demo: three backends that can be stopped and started again, and the balancer in front of them."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import ExitStack

import aiohttp

from lbproxy.demo.children import Child, Children
from lbproxy.demo.ticker import ticks
from lbproxy.model.address import Address
from lbproxy.model.errors import LbproxyError
from lbproxy.text.units import format_duration

NAMES = ("alpha", "bravo", "charlie")
HOST = "127.0.0.1"
LISTEN_PORT, ADMIN_PORT = 8080, 9180
"""Preferred; any free ports if they are taken."""
START_TIMEOUT = 15.0
"""Seconds until a program must answer: long, because the machine may be busy."""
POLL_INTERVAL = 0.05
STOP_TIMEOUT = 8.0
"""Seconds after which a program that should stop is killed: longer than any takes to finish its requests."""
DRAIN_TIMEOUT = 5.0
WORKERS = 2
"""Enough to show that there are several, on any machine."""


class DemoError(LbproxyError):
    """The demo can't go on; the text says why, and ends with the output of the program concerned."""


class ReservedPort:
    """A port of 127.0.0.1, bound but not listened on: connecting to it is refused, and no other program is given it.

    So a backend comes back at the same address. The program that listens on it must set SO_REUSEADDR (socket(7)), as
    servers do.
    """

    def __init__(self, preferred: int = 0) -> None:
        """Take the preferred port, or any free one if it is taken or 0. Raises `OSError` if there is none."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # Needed on both sockets: on the one that only binds, and on the one that listens.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, preferred))
        except OSError:
            self._socket.bind((HOST, 0))
        self.address = Address(*self._socket.getsockname())

    def close(self) -> None:
        """Free the port for others."""
        self._socket.close()


class BackendProcess:
    """One backend; it keeps its port while it does not run."""

    def __init__(self, name: str, children: Children, client: aiohttp.ClientSession) -> None:
        self.name = name
        self.child: Child | None = None
        self._port = ReservedPort()
        self._children, self._client = children, client

    @property
    def address(self) -> Address:
        """The address that it listens on while it runs."""
        return self._port.address

    async def start(self) -> None:
        """Start it and wait until it answers. Raises `DemoError` if it doesn't within 15 seconds."""
        self.child = await self._children.start("-m", "lbproxy.demo.backend", self.name, str(self.address.port))
        await _until_it_answers(self.name, self.child, self._client, f"http://{self.address}/")

    async def stop(self) -> None:
        """Tell it to stop and wait until it has; it finishes its requests first."""
        if self.child is not None:
            child, self.child = self.child, None
            await child.stop(STOP_TIMEOUT)

    async def crashed(self) -> int | None:
        """Return its exit code once, if it has ended without being told to; else None."""
        if self.child is None or self.child.exit_code is None:
            return None
        child, self.child = self.child, None
        return await child.ended()

    def close(self) -> None:
        """Free its port for others."""
        self._port.close()


class DemoProcesses:
    """The backends and the balancer. The owner of `children` ends them, that of `resources` frees their ports."""

    def __init__(self, children: Children, client: aiohttp.ClientSession, resources: ExitStack) -> None:
        self.backends = [BackendProcess(name, children, client) for name in NAMES]
        listen, admin = ReservedPort(LISTEN_PORT), ReservedPort(ADMIN_PORT)
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
        """Stop the balancer, then the backends. Raises `DemoError` if the balancer exits with an error."""
        # Taken first, so that `check` does not report an end that is wanted.
        balancer, self._balancer = self._balancer, None
        code = await balancer.stop(STOP_TIMEOUT) if balancer else 0
        # After the balancer, which drains: a backend that went first would cut its last requests.
        await asyncio.gather(*(backend.stop() for backend in self.backends))
        if balancer and code:
            raise _error("the balancer failed to stop cleanly", balancer)

    def check(self) -> None:
        """Raise `DemoError` if the balancer has ended without being told to."""
        if self._balancer is not None and self._balancer.exit_code is not None:
            raise _error("the balancer ended unexpectedly", self._balancer)


def command(listen: Address, admin: Address, backends: Sequence[str], health_interval: float) -> list[str]:
    """Return Python's arguments for the balancer: the options of `lbproxy run` that a user would write."""
    options = {"--listen": listen, "--admin": admin, "--workers": WORKERS, "--shutdown-delay": "0s",
               "--drain-timeout": format_duration(DRAIN_TIMEOUT), "--health-interval": format_duration(health_interval),
               "--log-level": "warning", "--log-format": "text"}
    pairs = (*options.items(), *(("--backend", backend) for backend in backends))
    return ["-m", "lbproxy", "run", *(str(word) for pair in pairs for word in pair)]


async def _until_it_answers(name: str, child: Child, client: aiohttp.ClientSession, url: str) -> None:
    async for step in ticks(POLL_INTERVAL, asyncio.Event()):
        # Each turn: a program that has ended will never answer, and its output says why.
        if child.exit_code is not None:
            raise _error(f"{name} did not start", child)
        if await _answers(client, url):
            return
        if step * POLL_INTERVAL > START_TIMEOUT:
            raise _error(f"{name} did not answer within {START_TIMEOUT:.0f} s", child)


async def _answers(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url, timeout=aiohttp.ClientTimeout(total=START_TIMEOUT)) as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False


def _error(what: str, child: Child) -> DemoError:
    code = "" if child.exit_code is None else f" (exit code {child.exit_code})"
    return DemoError(f"{what}{code}. Its output:\n{child.output() or '(nothing)'}")
