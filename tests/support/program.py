"""The real program: a process of its own, its log, its workers."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import psutil

from lbproxy.model.address import Address
from tests.support.metrics import Metrics
from tests.support.patience import PATIENCE
from tests.support.peers import free_address
from tests.support.signals import DEFAULT_SIGNALS

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("LBPROXY_")}

Line = dict[str, Any]
"""One line of the log."""


class Program:
    """`lbproxy run` with an admin server, from its start to its end."""

    def __init__(self, process: Process, admin: Address) -> None:
        self.process, self.admin = process, admin
        self.output: list[str] = []
        self._written = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    def log(self, event: str = "") -> list[Line]:
        """What was logged so far: of this event, or everything."""
        lines = [json.loads(line) for line in self.output]
        return [line for line in lines if event in ("", line["event"])]

    async def logged(self, event: str, times: int = 1) -> Line:
        """Wait until an event was logged so many times, and give the last of them."""
        async with asyncio.timeout(PATIENCE):
            while len(self.log(event)) < times:
                self._written.clear()
                await self._written.wait()
        return self.log(event)[times - 1]

    async def ended(self) -> int:
        """Wait for its end, and give the exit code."""
        async with asyncio.timeout(PATIENCE):
            await self._reading
            return await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send the main process a signal."""
        self.process.send_signal(number)

    def workers(self) -> list[int]:
        """The pids of the worker processes."""
        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        return []

    async def get(self, path: str) -> tuple[int, str]:
        """Ask the admin server: the status, and the text."""
        return await fetch(self.admin, path)

    async def metrics(self) -> Metrics:
        """Scrape it."""
        return Metrics((await self.get("/metrics"))[1])

    async def shows(self, name: str, value: float, /, **labels: str) -> Metrics:
        """Wait until a metric has this value, and scrape once more."""
        return await self._polled(lambda metrics: metrics.value(name, **labels) == value)

    async def counts(self, name: str, value: float, /, **labels: str) -> Metrics:
        """Wait until a metric has at least this value, and scrape once more."""
        return await self._polled(lambda metrics: metrics.value(name, **labels) >= value)

    async def _polled(self, is_wanted: Callable[[Metrics], bool]) -> Metrics:
        async with asyncio.timeout(PATIENCE):
            while not is_wanted(await self.metrics()):  # noqa: ASYNC110 - nothing announces them
                await asyncio.sleep(0.01)
        return await self.metrics()  # a scrape is no single moment: what came with it may show in the next one only

    async def kill(self) -> None:
        """End it with all its workers, whatever state they are in: they are a session of their own."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.ended()

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.output.append(line.decode().rstrip("\n"))
            self._written.set()


async def fetch(admin: Address, path: str) -> tuple[int, str]:
    """Ask an admin server: the status, and the text."""
    limit = aiohttp.ClientTimeout(PATIENCE)
    async with aiohttp.request("GET", f"http://{admin}{path}", timeout=limit) as answer:
        return answer.status, await answer.text()


async def start(*options: str, wrapper: Sequence[str] = (), admin: Address | None = None,
                module: str = "lbproxy") -> Program:
    """Start it with these options, and such that tests need not wait long; don't wait until it serves."""
    admin = admin or free_address()
    process = await asyncio.create_subprocess_exec(
        *wrapper, *DEFAULT_SIGNALS, sys.executable, "-m", module, "run", "--admin", str(admin), *options,
        stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=ENVIRONMENT, start_new_session=True)
    return Program(process, admin)


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for a state that no event announces."""
    async with asyncio.timeout(PATIENCE):
        while not is_true():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.005)
