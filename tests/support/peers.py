"""Both ends of a connection: backends that say who they are, and clients that ask."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Self

from lbproxy.model.address import Address
from lbproxy.net.socket_options import reset_on_close
from tests.support.patience import PATIENCE

BACKLOG = 100
REFUSALS = (ConnectionRefusedError, ConnectionResetError, BrokenPipeError, asyncio.IncompleteReadError)

# A loopback address of this process's own: no client's source port there, and no other test run, is in the way.
HOST = f"127.{64 + (os.getpid() >> 16) % 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"


def free_address(host: str = HOST, sock: socket.socket | None = None) -> Address:
    """An address where nobody listens; on the host that the socket is of."""
    with sock or socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.bind((host, 0))
        return Address(*bound.getsockname()[:2])


class Backend:
    """Answers each line with its name.

    It accepts by itself: an `asyncio.Server` that is closed forgets, unclosed, whom it has just accepted.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.address = Address(HOST, 0)
        self._listener: socket.socket | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._accepted: set[asyncio.Task[object]] = set()

    async def start(self, host: str = HOST, port: int = 0) -> Self:
        """Listen, on a free port unless told which."""
        return await self.start_with(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET), host, port)

    async def start_with(self, sock: socket.socket, host: str, port: int = 0) -> Self:
        """Listen with that socket."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.settimeout(0)
        self._listener = sock
        asyncio.get_running_loop().add_reader(sock, self._accept)
        self.address = Address(*sock.getsockname()[:2])
        return self

    def reset_all(self) -> None:
        """Break every connection."""
        while self._clients:
            writer = self._clients.pop()
            if not writer.transport.is_closing():
                reset_on_close(writer.get_extra_info("socket"))
                writer.transport.abort()

    def stop(self) -> None:
        """Listen no more and break every connection."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self.reset_all()

    async def close(self) -> None:
        """Stop, and wait until nothing is left."""
        self.stop()
        while self._accepted or self._clients:
            self.reset_all()
            await asyncio.sleep(0)

    def _accept(self) -> None:
        assert self._listener
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        sock.settimeout(0)
        task = asyncio.ensure_future(self._welcome(sock))
        self._accepted.add(task)
        task.add_done_callback(self._accepted.discard)

    async def _welcome(self, sock: socket.socket) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader, self._serve)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, sock)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        if self._listener is None:  # it has stopped since this one was accepted
            self.reset_all()
        try:
            while await reader.readline():
                writer.write(f"{self.name}\n".encode())
        except ConnectionError:
            pass
        self._clients.discard(writer)
        writer.close()


class Client:
    """One connection, held open until it is closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, address: Address) -> Self:
        return await cls.connect_with(socket.socket(address.family), address)

    @classmethod
    async def connect_with(cls, sock: socket.socket, address: Address) -> Self:
        """Connect with that socket."""
        sock.settimeout(0)
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return cls(*await asyncio.open_connection(sock=sock))

    async def ask(self) -> str:
        """The name of the backend at the other end."""
        self._writer.write(b"who?\n")
        async with asyncio.timeout(PATIENCE):
            return (await self._reader.readuntil()).decode().strip()

    async def is_reset(self, *, asks: bool = False) -> bool:
        """Wait for the end of the connection, or ask for it by sending something; whether it was a reset."""
        if asks:
            self._writer.write(b"anybody?\n")
        try:
            async with asyncio.timeout(PATIENCE):
                await self._reader.read()
        except ConnectionResetError:
            return True
        return False

    async def finish(self) -> None:
        """Say that no more comes, and wait until the other side has ended too."""
        self._writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await self._reader.read()

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        reset_on_close(self._writer.get_extra_info("socket"))
        self._writer.transport.abort()


async def is_refused(address: Address, sock: socket.socket | None = None) -> bool:
    """A new client gets no backend there, whether it is told at once or after it was accepted."""
    try:
        client = await Client.connect_with(sock or socket.socket(address.family), address)
    except REFUSALS:
        return True
    try:
        await client.ask()
    except REFUSALS:
        return True
    finally:
        client.close()
    return False


async def until_refused(address: Address, socket_for: Callable[[socket.AddressFamily], socket.socket] = socket.socket,
                        ) -> None:
    """Come again until nobody gets a backend there any more."""
    async with asyncio.timeout(PATIENCE):
        while not await is_refused(address, socket_for(address.family)):
            pass
