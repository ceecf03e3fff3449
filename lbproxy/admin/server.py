"""The admin server: it binds its addresses or fails with one line, answers, and closes within seconds when told.

Anyone who can connect may read, so it is meant for loopback or a pod's own network; `guard.py` decides who may give
orders. It bounds what all clients together can hold: connections, sizes (aiohttp's limits) and time.
"""

import asyncio
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from aiohttp import web

from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.drain_handler import MAX_BODY
from lbproxy.admin.guard import PROBES
from lbproxy.admin.live import LiveStream
from lbproxy.admin.pages import Pages
from lbproxy.admin.response_middleware import Handler, send_response
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.net.tcp_bind import bind
from lbproxy.net.unix_path import AdminAddress, UnixPath

MAX_CONNECTIONS = 256
"""Clients at a time; further ones are closed at once. Probes and scrapers need a handful; each costs a descriptor."""
PROBE_PLACES = 32
"""Further clients that may ask for a probe's paths only; the newest takes the oldest one's place.

Clients that hold all other places, perhaps without ever sending a request, must not make probes fail: Kubernetes would
restart the process."""
PROBE_TIMEOUT = 2.0
"""Seconds for which such a client is served."""
IDLE_TIMEOUT = 30.0
"""Seconds after which a connection without a complete request is closed. Most scrapers come back sooner."""
LINGER_TIMEOUT = 1.0
"""Seconds in which an unwanted request body is read and dropped: closing at once would lose the answer in a reset."""
SHUTDOWN_TIMEOUT = 1.0
"""Seconds in which answers under way may be finished when the server closes."""
BACKLOG = 128
OWNER_ONLY = 0o177
"""The umask that leaves a new socket file mode 0600."""

# The library would log a traceback for each malformed request, so any client could fill the log.
_SILENT = logging.getLogger("lbproxy.admin.http")
_SILENT.setLevel(logging.CRITICAL)


@asynccontextmanager
async def serve(addresses: Sequence[AdminAddress], context: AdminContext) -> AsyncIterator[tuple[AdminAddress, ...]]:
    """Serve while the block runs, and give the addresses that were bound (port 0 chooses a free one).

    Raises `BindError` if one does not exist here or is in use.
    """
    with ExitStack() as sockets:
        listening = [sockets.enter_context(bound(address)) for address in addresses]
        live, places = LiveStream(context.status, context.event_log), Places()
        runner = web.AppRunner(_application(context, live, places), access_log=None, logger=_SILENT,
                               keepalive_timeout=IDLE_TIMEOUT, lingering_time=LINGER_TIMEOUT,
                               # No decompression: a small body could unpack to a huge one.
                               shutdown_timeout=SHUTDOWN_TIMEOUT, auto_decompress=False,
                               handler_cancellation=True)  # a client that has left costs nothing more
        await runner.setup()
        servers = [await _start(sock, places.limited(runner)) for sock in listening]
        try:
            yield tuple(map(_address_of, listening))
        finally:
            for server in servers:
                server.close()
            await live.close()  # before the runner, which would wait SHUTDOWN_TIMEOUT for streams that never end
            await runner.cleanup()


@contextmanager
def bound(address: AdminAddress) -> Iterator[socket.socket]:
    """Listen while the block runs, and remove a Unix socket's file afterwards. Raises `BindError`."""
    if not isinstance(address, UnixPath):
        with _listen(address) as sock:
            yield sock
        return
    with _bind_unix(address) as sock:
        ours = _file(address.path)
        try:
            yield sock
        finally:
            if _file(address.path) == ours:  # otherwise another lbproxy has put its own socket there
                Path(address.path).unlink()


def _application(context: AdminContext, live: LiveStream, places: "Places") -> web.Application:
    @web.middleware
    async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
        if places.are_full_for(request):
            response: web.StreamResponse = web.Response(
                status=503, text=f"{MAX_CONNECTIONS} clients are connected, and no more are served; close some\n")
        else:
            await context.guard.check(request)
            response = await handler(request)
        if request.protocol in places.kept:
            response.force_close()
        return response

    application = web.Application(middlewares=[send_response, check_access], client_max_size=MAX_BODY)
    application.add_routes(Pages(context, live).routes())
    return application


async def _start(sock: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> asyncio.AbstractServer:
    loop = asyncio.get_running_loop()
    if sock.family == socket.AF_UNIX:
        return await loop.create_unix_server(protocol, sock=sock, backlog=BACKLOG)
    return await loop.create_server(protocol, sock=sock, backlog=BACKLOG)


class Places:
    """Counts clients over all addresses, when they are accepted: aiohttp has no limit of its own."""

    def __init__(self) -> None:
        self.kept: dict[object, None] = {}
        """The protocols of clients beyond MAX_CONNECTIONS, the oldest first."""

    def limited(self, runner: web.AppRunner) -> Callable[[], asyncio.Protocol]:
        """Give what makes the protocol of each client of a runner that was set up."""
        server = runner.server
        if server is None:
            raise RuntimeError("the runner was not set up")

        def accept() -> asyncio.Protocol:
            is_full = len(server.connections) >= MAX_CONNECTIONS
            protocol = server()
            if is_full:
                self._keep(protocol)
                asyncio.get_running_loop().call_later(PROBE_TIMEOUT, protocol.force_close)
            return protocol

        return accept

    def are_full_for(self, request: web.Request) -> bool:
        """Whether it came in one of the probes' places and is no probe."""
        return request.protocol in self.kept and request.path not in PROBES

    def _keep(self, protocol: asyncio.Protocol) -> None:
        while len(self.kept) >= PROBE_PLACES:
            oldest = next(iter(self.kept))
            del self.kept[oldest]
            if isinstance(oldest, web.RequestHandler):
                oldest.force_close()
        self.kept[protocol] = None


def _address_of(sock: socket.socket) -> AdminAddress:
    name = sock.getsockname()
    return UnixPath(name) if sock.family == socket.AF_UNIX else Address(*name[:2])


def _listen(address: Address) -> socket.socket:
    try:
        sock = bind(address)
        try:
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise BindError(f"--admin: can't listen on {address}: {_why(error)}; write another address, or off") from error
    return sock


def _bind_unix(address: UnixPath) -> socket.socket:
    """Bind with mode 0600 from the first moment. A socket file without a listener is replaced."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(OWNER_ONLY)  # bind() creates the file: a chmod() afterwards would leave a moment for others
    try:
        _remove_stale(address.path)
        sock.bind(address.path)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise BindError(f"--admin: can't listen on {address}: {_why(error)}; write another path, or off") from error
    finally:
        os.umask(before)
    return sock


def _remove_stale(path: str) -> None:
    """Remove a socket file that a killed lbproxy left behind. Anything else stays, and bind() refuses it."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode) and _is_stale(path):
            Path(path).unlink()


def _is_stale(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(path)
        # Nobody listens behind the file. Any other error, as EAGAIN of a full queue, may come from a living server.
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _file(path: str) -> tuple[int, int] | None:
    with suppress(OSError):
        status = os.lstat(path)
        return status.st_dev, status.st_ino
    return None


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
