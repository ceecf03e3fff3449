"""Both ends of a connection: backends that say who they are, and clients that ask."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Self

from lbproxy.model import Address
from lbproxy.sockets import reset_on_close

PATIENCE = 20.0
"""Seconds after which whatever is waited for counts as never coming."""
LAPS = 5
"""Turns of the loop from an accepted connection to its end."""
REFUSALS = (ConnectionRefusedError, ConnectionResetError, BrokenPipeError, asyncio.IncompleteReadError)

# A loopback address of this process's own: no client's source port there, and no other test run, is in the way.
HOST = f"127.{64 + (os.getpid() >> 16) % 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"


def free_address(host: str = HOST, sock: socket.socket | None = None) -> Address:
    """An address where nobody listens; on the host that the socket is of."""
    with sock or socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.bind((host, 0))
        return Address(*bound.getsockname()[:2])


class Backend:
    """Answers each line with its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.address = Address(HOST, 0)
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self, host: str = HOST, port: int = 0) -> Self:
        """Listen, on a free port unless told which."""
        return await self.start_with(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET), host, port)

    async def start_with(self, sock: socket.socket, host: str, port: int = 0) -> Self:
        """Listen with that socket."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        self._server = await asyncio.start_server(self._serve, sock=sock)
        self.address = Address(*self._server.sockets[0].getsockname()[:2])
        return self

    def reset_all(self) -> None:
        """Break every connection."""
        for writer in list(self._clients):
            if not writer.transport.is_closing():
                reset_on_close(writer.get_extra_info("socket"))
                writer.transport.abort()

    def stop(self) -> None:
        """Listen no more and break every connection."""
        assert self._server
        self._server.close()
        self.reset_all()

    async def close(self) -> None:
        """Stop, and wait until nothing is left."""
        self.stop()
        assert self._server
        await self._server.wait_closed()
        for _ in range(LAPS):  # who was accepted last is not yet served, and would be forgotten
            await asyncio.sleep(0)
            self.reset_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
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
