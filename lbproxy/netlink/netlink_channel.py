"""Requests to the kernel over netlink(7) without blocking, on any event loop; what it refuses is a `KernelError`.

Not pyroute2: its asynchronous sockets don't open on uvloop (0.23: "cannot open a UDP handle, invalid family 16"), and
to read 1,000 destinations, as the IPVS dataplane does each second, takes it 90 ms of CPU, and this code 16 ms.
"""

import asyncio
import errno
import socket
from contextlib import suppress

from lbproxy.netlink.errors import KernelError
from lbproxy.netlink.message import NetlinkMessage, answers

ROUTE, NETFILTER, GENERIC = 0, 12, 16
"""Protocols: NETLINK_ROUTE, NETLINK_NETFILTER and NETLINK_GENERIC (linux/netlink.h)."""
TIMEOUT = 10.0
"""Seconds to wait for an answer. The kernel works on a request while it is sent, so it should be there at once."""
MAX_READINGS = 10
"""Times that a list is read at most: each change of an interface or an address interrupts a reading."""
SOL_NETLINK, CAP_ACK, EXT_ACK = 270, 10, 11
"""Socket options NETLINK_CAP_ACK (an error does not repeat the request) and NETLINK_EXT_ACK (it explains itself)."""
RECEIVE_SIZE = 65_536
"""Bytes; the kernel sends at most 32 KB in one piece (`netlink_recvmsg`)."""


class NetlinkChannel:
    """One socket, opened by the first request, in the network namespace that the thread is in then.

    One exchange at a time: the caller waits for its end before it begins another.
    """

    def __init__(self, protocol: int) -> None:
        self._protocol = protocol
        self._socket: socket.socket | None = None
        self._sequence = 0

    async def exchange(self, attempt: str, *messages: NetlinkMessage) -> list[bytes]:
        """Send messages, of which the last asks for an ACK or a DUMP, and give the bodies of all answers.

        A list that changed while it was read is read again. Raises `KernelError` for the first message that is refused,
        and with ETIMEDOUT after 10 s without an answer; `attempt` says for its text what was tried, to follow "can't ".
        """
        try:
            for _ in range(MAX_READINGS - 1):
                with suppress(InterruptedError):
                    return await self._ask(messages)
            return await self._ask(messages)
        except TimeoutError:
            raise KernelError(f"can't {attempt}: the kernel does not answer", errno.ETIMEDOUT) from None
        except OSError as error:
            raise KernelError(f"can't {attempt}: {error.strerror}", error.errno or errno.EIO) from error

    def close(self) -> None:
        """Close the socket. May be called again, and before anything was opened; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _ask(self, messages: tuple[NetlinkMessage, ...]) -> list[bytes]:
        sock = self._send(messages)
        async with asyncio.timeout(TIMEOUT):  # does not include the sending, in which the kernel may load modules
            return await self._answers(sock)

    def _send(self, messages: tuple[NetlinkMessage, ...]) -> socket.socket:
        self._socket = self._socket or _open(self._protocol)
        self._sequence += 1  # answers to an earlier request that was given up are told apart by its number
        # All in one send: a transaction of nf_tables must come in one piece (`nfnetlink_rcv_skb_batch`).
        self._socket.send(b"".join(message.encode(self._sequence) for message in messages))
        return self._socket

    async def _answers(self, sock: socket.socket) -> list[bytes]:
        bodies: list[bytes] = []
        while True:
            received = await asyncio.get_running_loop().sock_recv(sock, RECEIVE_SIZE)
            for answer in answers(received, self._sequence):
                if answer.is_last:
                    answer.check()
                    return bodies
                bodies.append(answer.body)


def _open(protocol: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
    sock.setsockopt(SOL_NETLINK, CAP_ACK, 1)
    return sock
