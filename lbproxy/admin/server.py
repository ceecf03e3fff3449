"""The admin server: binds its address or says in one line why not, answers, and is gone within seconds when told.

It has no password, so it is meant for loopback or a pod's own network; it takes no orders and bounds what any client
can hold: connections, sizes (aiohttp's limits), and time.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry

from lbproxy.admin.answering import answering
from lbproxy.admin.pages import Pages
from lbproxy.admin.view import View
from lbproxy.errors import BindError
from lbproxy.model import Address

MAX_CONNECTIONS = 256
"""Clients at a time; more are hung up on. Probes and scrapers need a handful, and every one costs a descriptor."""
IDLE_TIMEOUT = 30.0
"""Seconds after which a connection without a complete request is closed: most scrapers come back sooner."""
LINGER_TIMEOUT = 1.0
"""Seconds in which an unwanted request body is read and dropped, so that the client sees the answer."""
SHUTDOWN_TIMEOUT = 1.0
"""Seconds that answers under way may take when the server ends."""
BACKLOG = 128

# What clients get wrong is their business: the library would log a traceback for each malformed request.
_SILENT = logging.getLogger("lbproxy.admin.http")
_SILENT.setLevel(logging.CRITICAL)


@asynccontextmanager
async def serve(address: Address, view: View, registry: CollectorRegistry) -> AsyncIterator[Address]:
    """Serve while the block runs, and give the address that was bound (port 0 chooses a free one).

    Raises `BindError` if there is no such address here or it is taken.
    """
    with _bind(address) as sock:
        runner = web.AppRunner(_application(view, registry), access_log=None, logger=_SILENT,
                               keepalive_timeout=IDLE_TIMEOUT, lingering_time=LINGER_TIMEOUT,
                               shutdown_timeout=SHUTDOWN_TIMEOUT, auto_decompress=False)
        await runner.setup()
        server = await asyncio.get_running_loop().create_server(_limited(runner), sock=sock, backlog=BACKLOG)
        try:
            yield Address(*sock.getsockname()[:2])
        finally:
            server.close()
            await runner.cleanup()


def _application(view: View, registry: CollectorRegistry) -> web.Application:
    application = web.Application(middlewares=[answering])
    application.add_routes(Pages(view, registry).routes())
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


def _bind(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        why = (error.strerror or str(error)).lower()
        raise BindError(f"--admin: can't listen on {address}: {why}; write another address, or off") from error
    return sock
