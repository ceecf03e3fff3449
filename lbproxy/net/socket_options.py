"""Socket options that more than one part sets."""

import socket
from struct import pack
from typing import Protocol

Option = tuple[int, int, int]
"""Level, name, value."""

LINGER_AND_RESET = pack("ii", 1, 0)
"""SO_LINGER on, for zero seconds (socket(7))."""

KEEPALIVE: tuple[Option, ...] = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 180),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""Seconds, seconds, probes (tcp(7)): well below the 900 s after which IPVS forgets a silent connection."""

DEAD_PEER_AFTER: Option = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
"""Milliseconds that sent bytes may go unacknowledged before the other host counts as dead (RFC 5482)."""


class Configurable(Protocol):
    """Any socket."""

    def setsockopt(self, level: int, optname: int, value: int | bytes, /) -> None:
        """As of `socket.socket`."""


def reset_on_close(sock: Configurable) -> None:
    """Make the coming close() send a reset instead of a clean end; nothing lingers in TIME_WAIT."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_AND_RESET)


def set_options(sock: Configurable, options: tuple[Option, ...]) -> None:
    """Set them all."""
    for level, option, value in options:
        sock.setsockopt(level, option, value)
