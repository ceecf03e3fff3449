"""Real sockets for the checks to meet."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from lbproxy.model.address import Address

HOST = "127.0.0.1"


@contextmanager
def silent_port() -> Iterator[Address]:
    """An address that is nobody else's and where nobody listens."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, 0))
        yield Address(*sock.getsockname())


@contextmanager
def black_hole() -> Iterator[Address]:
    """An address that answers no connect: its listener takes nobody and its queue is full."""
    with socket.create_server((HOST, 0), backlog=0) as listener, socket.create_connection(listener.getsockname()):
        yield Address(*listener.getsockname())


@asynccontextmanager
async def listening(address: Address) -> AsyncIterator[asyncio.Queue[str]]:
    """Somebody listens there; the queue is told how each client left."""
    left = asyncio.Queue[str]()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
            left.put_nowait("end")
        except ConnectionResetError:
            left.put_nowait("reset")
        writer.close()

    async with await asyncio.start_server(welcome, *address, reuse_address=True):
        yield left
