"""A program, the file that it reads, real backends behind it and real clients before it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from lbproxy.model.address import Address
from tests.support.peers import REFUSALS, Backend, Client
from tests.support.program import Program, start

Entry = dict[str, Any]
"""One service in the file."""

QUICK = {"health-interval": "50ms", "workers": 1, "shutdown-delay": "0", "drain-timeout": "30s"}
"""Nothing to wait for but what a test is about."""


def web(listen: Address, *backends: Backend, name: str = "web", **options: object) -> Entry:
    """One service; an option is written with underscores."""
    own = {key.replace("_", "-"): value for key, value in options.items()}
    return {"name": name, "listen": [str(listen)], "backends": [str(one.address) for one in backends], **own}


class Scene:
    """Everything ends with it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lbproxy.yaml"
        self._programs: list[Program] = []
        self._backends: list[Backend] = []
        self._clients: list[Client] = []

    def write(self, *services: Entry, **options: object) -> None:
        """Replace the file in one step. JSON is YAML."""
        own = {key.replace("_", "-"): value for key, value in options.items()}
        self.write_text(json.dumps({**QUICK, **own, "services": services}))

    def write_text(self, text: str) -> None:
        """Replace the file by any text."""
        self.path.with_suffix(".new").write_text(text)
        self.path.with_suffix(".new").rename(self.path)

    async def start(self, *options: str, wrapper: tuple[str, ...] = (), admin: Address | None = None) -> Program:
        """Start a program that reads the file; don't wait until it serves."""
        program = await start("--config", str(self.path), *options, wrapper=wrapper, admin=admin)
        self._programs.append(program)
        return program

    async def serve(self, *services: Entry, wrapper: tuple[str, ...] = (), **options: object) -> Program:
        """Write the file, start a program, and wait until it serves."""
        self.write(*services, **options)
        program = await self.start(wrapper=wrapper)
        await program.logged("serving")
        return program

    async def backends(self, *names: str) -> list[Backend]:
        """Start so many backends."""
        started = [await Backend(name).start() for name in names]
        self._backends += started
        return started

    async def connect(self, address: Address) -> Client:
        """A client that is connected, be it to the kernel's queue only."""
        self._clients.append(await Client.connect(address))
        return self._clients[-1]

    async def client(self, address: Address) -> Client:
        """A client that is connected to a backend, and stays."""
        client = await self.connect(address)
        await client.ask()
        return client

    async def served_by(self, address: Address, count: int) -> Counter[str]:
        """How many of so many new clients each backend gets; they stay."""
        return Counter([await (await self.client(address)).ask() for _ in range(count)])

    def leave(self) -> None:
        """All clients leave."""
        while self._clients:
            self._clients.pop().close()

    async def end(self) -> None:
        """Kill and close everything."""
        for program in self._programs:
            await program.kill()
        self.leave()
        for backend in self._backends:
            await backend.close()


async def is_lost(client: Client) -> bool:
    """Its connection has ended, one way or the other."""
    try:
        await client.ask()
    except REFUSALS:
        return True
    return False
