"""A relayed connection and its two ends: state only.

`relay` and `pump` move the bytes, `service` opens and closes, `sweep` ends what has been silent for too long.
"""

import enum
from _socket import socket as RawSocket  # noqa: N812 - the C type: no Python-level wrapper per connection
from typing import Protocol

from lbproxy.dataplanes.userspace.shared.reasons import Closed
from lbproxy.dataplanes.userspace.worker.pipe import Pipe
from lbproxy.dataplanes.userspace.worker.target import Target
from lbproxy.model.snapshot import Policy


class Phase(enum.IntEnum):
    """Where a connection stands."""

    WAITING = 0
    """Queued for a place, or a backend has yet to answer. Nothing was read from the client."""
    RELAYING = 1
    CLOSED = 2


class End(RawSocket):
    """One socket of a connection. It *is* the socket: one object less per end, in memory and in the byte loop."""

    __slots__ = ("connection", "fd", "has_ended", "has_tail", "is_blocked", "is_bulk", "is_queued", "is_room_watched",
                 "is_urgent", "peer", "received", "sink", "unsent")

    connection: "Connection"
    fd: int
    peer: "End"
    """The other end; unset until both are connected."""
    sink: "End | None"
    """The peer while nothing about this direction is unusual (the byte loop's fast path), else None."""
    unsent: bytes | Pipe | None
    """Taken from the peer, not yet taken by this socket's kernel buffer."""
    received: int
    """Bytes read here since the last sweep counted them."""
    is_blocked: bool
    """What arrives here can't go on: the peer is full, or not there yet."""
    is_bulk: bool
    """Moves by turns."""
    is_queued: bool
    """Waits for its turn."""
    is_room_watched: bool
    """Room in its kernel buffer is reported, as WRITABLE."""
    has_tail: bool
    """The end of the stream was announced: a short read is the last one."""
    is_urgent: bool
    """An error or urgent data was announced: read until nothing is left, for a short read proves nothing."""
    has_ended: bool
    """Its end of stream was read."""

    def adopt(self, connection: "Connection", fd: int) -> None:
        """Become an end of `connection`."""
        self.connection, self.fd = connection, fd
        self.sink = self.unsent = None
        self.received = 0
        self.is_blocked = self.is_bulk = self.is_queued = self.is_room_watched = False
        self.has_tail = self.is_urgent = self.has_ended = False


class Owner(Protocol):
    """Opens and closes connections: the service that they belong to."""

    @property
    def policy(self) -> Policy:
        """How they are treated."""

    def on_waiting(self, end: End, event: int) -> None:
        """Something happened on an end of a connection that does not relay yet."""

    def on_lost(self, end: End, error: OSError) -> None:
        """An end of a relaying connection broke; the owner decides what becomes of the connection."""

    def close(self, connection: "Connection", reason: Closed) -> None:
        """End a relaying connection."""


class Connection:
    """One client's connection, from accept to close."""

    __slots__ = ("client", "has_relayed", "is_aged", "owed", "phase", "quiet_since", "ring", "server", "service",
                 "started", "target", "tried")

    client: End
    server: End
    """The end towards the backend that is being tried or was reached; unset before."""
    target: Target
    """The backend whose lease it holds; unset while it holds none."""
    owed: int
    """Bytes that the kernel held for both ends when its time was last up; unset until it is aged."""
    ring: "set[Connection]"
    """The sweep's bucket that it stands in; unset until it relays."""

    def __init__(self, service: Owner, now: float) -> None:
        self.service = service
        self.tried: tuple[Target, ...] = ()
        """Backends that failed it already."""
        self.phase = Phase.WAITING
        self.started = self.quiet_since = now
        """On the monotonic clock; `quiet_since`: when bytes were last seen, to the sweep's resolution."""
        self.has_relayed = False
        """A sweep saw bytes move."""
        self.is_aged = False
        """A sweep has met it: its keepalive options are set."""
