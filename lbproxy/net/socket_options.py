"""Socket options, and the reasons for their values."""

import socket
from functools import cache
from struct import pack
from typing import Protocol

Option = tuple[int, int, int]
"""Level, name, value."""

LINGER_AND_RESET = pack("ii", 1, 0)
"""SO_LINGER on, for zero seconds: close() resets, and drops what was not sent yet (socket(7))."""

KEEPALIVE: tuple[Option, ...] = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 180),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""Seconds, seconds, probes (tcp(7)): a dead peer of a silent connection is found after 270 s. The probes also keep the
connection known to IPVS and other NAT on its way; IPVS forgets a silent one after 900 s (moby#31208)."""

DEAD_PEER_AFTER: Option = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
"""Milliseconds that sent bytes may stay unacknowledged before the connection fails (RFC 5482). Without it Linux retries
for about 15 minutes, and a client of a dead host hangs that long (kubernetes#101101, #28442)."""


URGENT_IN_LINE: Option = (socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
"""Urgent bytes are read where they stand in the stream (RFC 6093). It must be set before any comes: else the kernel
keeps one aside, and drops it when the next one comes."""


ACK_WITH_DATA: tuple[Option, ...] = ((socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0),)
"""An ACK may wait for data that goes the same way; to be set again for each (tcp(7))."""


class Configurable(Protocol):
    """Anything with options as a socket has them."""

    def setsockopt(self, level: int, optname: int, value: int | bytes, /) -> None:
        """Set an option, as `socket.socket` does; raise `OSError`."""


def reset_on_close(sock: Configurable) -> None:
    """Make close() send a reset instead of a clean end, and leave no TIME_WAIT. Unsent bytes are lost."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_AND_RESET)


def set_options(sock: Configurable, options: tuple[Option, ...]) -> None:
    """Set the options in their order. Raises `OSError`."""
    for level, option, value in options:
        sock.setsockopt(level, option, value)


@cache
def usable(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """Return those that the kernel lets us set on a TCP socket, tried once: seccomp and gVisor refuse some.

    All of them if no socket can be made to try.
    """
    try:
        sock = socket.socket()
    except OSError:
        return options
    with sock:
        return tuple(option for option in options if _is_usable(sock, option))


def _is_usable(sock: socket.socket, option: Option) -> bool:
    try:
        sock.setsockopt(*option)
    except OSError:
        return False
    return True
