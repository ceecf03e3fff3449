"""A web server to balance, and the client of it and of the admin server."""

import asyncio
import socket
from typing import Self

import aiohttp
from aiohttp import web

from lbproxy.model.address import Address
from tests.support.patience import PATIENCE


class Backend:
    """Answers `ok`: at once on /, and when it is let on /held."""

    def __init__(self) -> None:
        self.address = Address("127.0.0.1", 0)
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/", self._answer)
        app.router.add_get("/held", self._answer_when_let)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start(self) -> Self:
        """Listen on a free port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address.host, 0).start()
        self.address = Address(*self._runner.addresses[0][:2])
        return self

    async def close(self) -> None:
        """Listen no more."""
        await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _answer_when_let(self, request: web.Request) -> web.Response:
        self.is_asked.set()
        await self.may_answer.wait()
        return await self._answer(request)


def free_address() -> Address:
    """Give an address where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return Address(*sock.getsockname())


async def get(address: Address, path: str) -> tuple[int, str]:
    """Give the status and the text, over a connection of its own."""
    limit = aiohttp.ClientTimeout(PATIENCE)
    async with aiohttp.request("GET", f"http://{address}{path}", timeout=limit,
                               headers={"Connection": "close"}) as answer:
        return answer.status, await answer.text()


async def answers(address: Address, path: str, status: int) -> None:
    """Wait until it does so."""
    async with asyncio.timeout(PATIENCE):
        while await _status(address, path) != status:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.02)


async def _status(address: Address, path: str) -> int:
    try:
        return (await get(address, path))[0]
    except aiohttp.ClientConnectionError:
        return 0
