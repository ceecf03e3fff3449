"""The admin server: binds its address or says in one line why not, answers, and is gone within seconds when told.

Whoever reaches it may read, so it is meant for loopback or a pod's own network; who may give orders is the guard's
matter. It bounds what any client can hold: connections, sizes (aiohttp's limits), and time.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager

from aiohttp import web

from lbproxy.admin.answering import Page, answering
from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.binding import BACKLOG, address_of, bound
from lbproxy.admin.live import Live
from lbproxy.admin.pages import Pages
from lbproxy.admin.steering import MAX_BODY
from lbproxy.net.unix_path import AdminAddress

MAX_CONNECTIONS = 256
"""Clients at a time; more are hung up on. Probes and scrapers need a handful, and every one costs a descriptor."""
IDLE_TIMEOUT = 30.0
"""Seconds after which a connection without a complete request is closed: most scrapers come back sooner."""
LINGER_TIMEOUT = 1.0
"""Seconds in which an unwanted request body is read and dropped, so that the client sees the answer."""
SHUTDOWN_TIMEOUT = 1.0
"""Seconds that answers under way may take when the server ends."""

# What clients get wrong is their business: the library would log a traceback for each malformed request.
_SILENT = logging.getLogger("lbproxy.admin.http")
_SILENT.setLevel(logging.CRITICAL)


@asynccontextmanager
async def serve(addresses: Sequence[AdminAddress], office: AdminContext) -> AsyncIterator[tuple[AdminAddress, ...]]:
    """Serve while the block runs, and give the addresses that were bound (port 0 chooses a free one).

    Raises `BindError` if one does not exist here or is taken.
    """
    with ExitStack() as sockets:
        listening = [sockets.enter_context(bound(address)) for address in addresses]
        live = Live(office.view, office.timeline)
        runner = web.AppRunner(_application(office, live), access_log=None, logger=_SILENT,
                               keepalive_timeout=IDLE_TIMEOUT, lingering_time=LINGER_TIMEOUT,
                               shutdown_timeout=SHUTDOWN_TIMEOUT, auto_decompress=False)
        await runner.setup()
        servers = [await _start(sock, _limited(runner)) for sock in listening]
        try:
            yield tuple(map(address_of, listening))
        finally:
            for server in servers:
                server.close()
            await live.close()
            await runner.cleanup()


async def _start(sock: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> asyncio.AbstractServer:
    loop = asyncio.get_running_loop()
    if sock.family == socket.AF_UNIX:
        return await loop.create_unix_server(protocol, sock=sock, backlog=BACKLOG)
    return await loop.create_server(protocol, sock=sock, backlog=BACKLOG)


def _application(office: AdminContext, live: Live) -> web.Application:
    @web.middleware
    async def guarding(request: web.Request, handler: Page) -> web.StreamResponse:
        await office.guard.check(request)
        return await handler(request)

    application = web.Application(middlewares=[answering, guarding], client_max_size=MAX_BODY)
    application.add_routes(Pages(office, live).routes())
    return application


def _limited(runner: web.AppRunner) -> Callable[[], asyncio.Protocol]:
    server = runner.server
    if server is None:
        raise RuntimeError("the runner was not set up")
    return lambda: server() if len(server.connections) < MAX_CONNECTIONS else _Refusal()


class _Refusal(asyncio.Protocol):
    """One client too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
