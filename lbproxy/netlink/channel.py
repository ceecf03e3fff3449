"""Talks with the kernel over netlink(7) without blocking, on any event loop; what it refuses is a `KernelError`.

pyroute2 was the first choice: its asynchronous sockets don't open on uvloop (0.23: "cannot open a UDP handle, invalid
family 16"), and of 1,000 destinations, read each second, it makes 90 ms of CPU, these few lines 16.
"""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from lbproxy.netlink.attributes import aligned, fields, string
from lbproxy.netlink.errors import KernelError

ROUTE, NETFILTER, GENERIC = 0, 12, 16
"""Protocols: addresses, nf_tables, and whatever has a name of its own."""
REQUEST, ACK, EXCL, CREATE, APPEND, DUMP = 0x1, 0x4, 0x200, 0x400, 0x800, 0x300
"""Flags of requests."""
TIMEOUT = 10.0
"""Seconds to wait for an answer; the kernel works on a request while it is sent, so it should be there at once."""
READINGS = 10
"""How often a list is read at most that changes while it is read: each time an interface or an address does."""

HEADER = struct.Struct("=IHHII")
ERROR, DONE = 2, 3
INTERRUPTED = 0x10
"""Flag of an answer: the list has changed while it was read."""
HAS_ATTRIBUTES = 0x200
"""Flag of an error: the kernel's own words follow it."""
SOL_NETLINK, CAP_ACK, EXT_ACK = 270, 10, 11
MESSAGE = 1
RECEIVE_SIZE = 65_536
"""Bytes; the kernel sends no more at a time."""


@dataclass(frozen=True, slots=True)
class NetlinkMessage:
    """One message, of a kind that the protocol defines."""

    kind: int
    body: bytes
    flags: int = 0

    def encoded(self, sequence: int) -> bytes:
        """Write it down, aligned."""
        size = HEADER.size + len(self.body)
        header = HEADER.pack(size, self.kind, self.flags | REQUEST, sequence, 0)
        return header + self.body.ljust(aligned(len(self.body)), b"\0")


class NetlinkChannel:
    """One socket, opened by the first request, in the network namespace that the process is in then."""

    def __init__(self, protocol: int) -> None:
        self._protocol = protocol
        self._socket: socket.socket | None = None
        self._sequence = 0

    async def exchange(self, doing: str, *messages: NetlinkMessage) -> list[bytes]:
        """Send messages, the last of which asks for an ACK or a DUMP, and give the bodies of all answers.

        A list that changed while it was read is read again. Raises `KernelError` for the first that is refused;
        `doing` says what was tried.
        """
        try:
            for _ in range(READINGS - 1):
                with suppress(InterruptedError):
                    return await self._asked(messages)
            return await self._asked(messages)
        except TimeoutError:
            raise KernelError(f"can't {doing}: the kernel does not answer", errno.ETIMEDOUT) from None
        except OSError as error:
            raise KernelError(f"can't {doing}: {error.strerror}", error.errno or errno.EIO) from error

    def close(self) -> None:
        """Close the socket; may be called again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _asked(self, messages: tuple[NetlinkMessage, ...]) -> list[bytes]:
        sock = self._send(messages)
        async with asyncio.timeout(TIMEOUT):  # not over the sending, in which the kernel may load modules
            return await self._answers(sock)

    def _send(self, messages: tuple[NetlinkMessage, ...]) -> socket.socket:
        self._socket = self._socket or _opened(self._protocol)
        self._sequence += 1  # whatever is still on its way from an earlier request is known by its number
        self._socket.send(b"".join(message.encoded(self._sequence) for message in messages))
        return self._socket

    async def _answers(self, sock: socket.socket) -> list[bytes]:
        answers: list[bytes] = []
        while True:
            received = await asyncio.get_running_loop().sock_recv(sock, RECEIVE_SIZE)
            for kind, flags, body in _split(received, self._sequence):
                if kind in {ERROR, DONE}:
                    _check(kind, flags, body)
                    return answers
                answers.append(body)


def _opened(protocol: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
    sock.setsockopt(SOL_NETLINK, CAP_ACK, 1)  # an error need not repeat the request
    return sock


def _split(received: bytes, sequence: int) -> Iterator[tuple[int, int, bytes]]:
    """Give kind, flags and body of each answer to this request."""
    offset = 0
    while offset + HEADER.size <= len(received):
        size, kind, flags, number, _ = HEADER.unpack_from(received, offset)
        if number == sequence:
            if flags & INTERRUPTED:
                raise InterruptedError(errno.EINTR, "it changes whenever it is read")
            yield kind, flags, received[offset + HEADER.size:offset + size]
        offset += aligned(max(size, HEADER.size))


def _check(kind: int, flags: int, body: bytes) -> None:
    """Raise `OSError` unless it is an acknowledgement; the end of a list has a result too."""
    result: int = struct.unpack_from("=i", body)[0] if body else 0
    if result:
        request = HEADER.size if kind == ERROR else 0  # an error repeats the head of what it is about
        words = fields(body[4 + request:]) if flags & HAS_ATTRIBUTES else {}
        said = f" ({string(words[MESSAGE])})" if MESSAGE in words else ""
        raise OSError(-result, os.strerror(-result) + said)
