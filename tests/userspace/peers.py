"""The two ends of a proxied connection, as a test plays them.

Nothing here acts by itself: a test reads like a transcript of what each side does and then sees. Whatever is
awaited has a limit.
"""

import asyncio
import socket
from collections.abc import Callable

import pytest

from lbproxy.net.socket_options import reset_on_close
from tests.support.patience import PATIENCE

PART = 64 * 1024
"""Bytes read at once."""


class Peer:
    """One end of a proxied connection, a client's or a backend's."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)  # noqa: FBT003 - its only argument
        self.sock = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, payload: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._loop.sock_sendall(self.sock, payload)

    def sending(self, payload: bytes) -> asyncio.Task[None]:
        """Send while the test goes on."""
        return self._loop.create_task(self.send(payload), name=f"sending {len(payload)} bytes")

    async def break_off(self, sending: asyncio.Task[None]) -> None:
        """Reset in the middle of what is being sent."""
        sending.cancel()
        await asyncio.wait([sending])
        self.reset()

    def send_now(self, payload: bytes, flags: int = 0) -> int:
        """Send as much as the kernel takes at once, and say how much."""
        try:
            return self.sock.send(payload, flags)
        except BlockingIOError:
            return 0

    async def receive(self, size: int) -> bytes:
        """So many bytes; fewer only where the stream ends."""
        received = bytearray()
        async with asyncio.timeout(PATIENCE):
            while len(received) < size:
                part = await self._loop.sock_recv(self.sock, min(PART, size - len(received)))
                if not part:
                    break
                received += part
        return bytes(received)

    async def hears(self, expected: bytes) -> None:
        assert await self.receive(len(expected)) == expected

    async def hears_end(self) -> None:
        assert await self.receive(1) == b""

    async def hears_reset(self) -> None:
        with pytest.raises(ConnectionResetError):
            await self.receive(1)

    async def receive_until_reset(self) -> bytes:
        """What comes before the reset; an end is a failure."""
        received = bytearray()
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    part = await self._loop.sock_recv(self.sock, PART)
                except ConnectionResetError:
                    return bytes(received)
                assert part, "a clean end"
                received += part

    def hears_nothing(self) -> bool:
        """Nothing has arrived so far, neither a byte nor an end."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        return False

    def finish(self) -> None:
        """Say that nothing more will come from here."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        if self.sock.fileno() >= 0:
            reset_on_close(self.sock)
            self.sock.close()

    def close(self) -> None:
        self.sock.close()


async def until(is_true: Callable[[], bool]) -> None:
    """Let the loop run until this holds."""
    async with asyncio.timeout(PATIENCE):
        while not is_true():  # noqa: ASYNC110 - nothing announces what tests wait for
            await asyncio.sleep(0)


async def converse(client: Peer, server: Peer) -> None:
    """A question and its answer pass."""
    await client.send(b"question")
    await server.hears(b"question")
    await server.send(b"answer")
    await client.hears(b"answer")


async def part(client: Peer, server: Peer) -> None:
    """Both finish, the client first."""
    client.finish()
    await server.hears_end()
    server.finish()
    await client.hears_end()
