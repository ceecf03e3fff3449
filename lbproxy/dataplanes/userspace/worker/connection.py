"""A client's connection and its two ends: state, and the one rule that derives state from other state.

The byte loop and the slow path move bytes, the service opens and closes, the idle reaper ends what is silent for too
long. The table of phases stands in the package's docstring.
"""

import enum
import sys
from _socket import socket as RawSocket  # noqa: N812 - the C type: no Python-level wrapper per connection
from fcntl import ioctl
from termios import FIONREAD, TIOCOUTQ
from typing import Protocol

from lbproxy.dataplanes.userspace.shared.reasons import Closed
from lbproxy.dataplanes.userspace.worker.pipe import Pipe
from lbproxy.dataplanes.userspace.worker.pool import Target
from lbproxy.model.snapshot import Policy


class Phase(enum.IntEnum):
    """Where a connection stands. Nothing is read from the client before RELAYING."""

    CHOOSING = 0
    """A backend is being chosen for it: always within one synchronous step, so no event finds it so."""
    QUEUED = 1
    """Every backend that it could have is at its limit."""
    DIALING = 2
    """A backend is chosen and counted, and has yet to answer."""
    RELAYING = 3
    CLOSED = 4


# To look a member up in its class takes Python 3.11 0.3 µs, ten times as long as a global: too much per connection.
CHOOSING, QUEUED, DIALING, RELAYING, CLOSED = Phase


_COUNT = bytearray(4)
"""Where an ioctl writes its `int`; one for all, for it is read at once."""


class End(RawSocket):
    """One socket of a connection. It *is* the socket: one object less per end, in memory and in the byte loop.

    It never blocks: each is made with O_NONBLOCK, so that no call needs MSG_DONTWAIT, which a caller could forget.
    """

    __slots__ = ("connection", "fd", "has_ended", "has_failed", "has_tail", "is_blocked", "is_bulk", "is_queued",
                 "is_room_watched", "is_urgent", "peer", "received", "sink", "unsent")

    connection: "Connection"
    fd: int
    peer: "End"
    """The other end; unset unless the connection is RELAYING."""
    sink: "End | None"
    """The peer while nothing about this direction is unusual (the byte loop's fast path), else None. Only
    `Connection.update_sinks` sets it."""
    unsent: bytes | Pipe | None
    """Taken from the peer, not yet taken by this socket's kernel buffer."""
    received: int
    """Bytes read here since the idle reaper last counted them."""
    is_blocked: bool
    """Nothing is read here for now: the peer is full, or not there yet."""
    is_bulk: bool
    """It filled a small read, so it moves by turns."""
    is_queued: bool
    """It stands in the queue of bulk and waits for its turn."""
    is_room_watched: bool
    """Room in its kernel buffer is reported, as WRITABLE."""
    has_tail: bool
    """The end of the stream was announced: a short read is the last one."""
    is_urgent: bool
    """An error or urgent data was announced: read until nothing is left, for a short read proves nothing."""
    has_ended: bool
    """Its end of stream was read, or all that could be read of one that has failed."""
    has_failed: bool
    """It is broken: nothing can be sent here any more, but what it had sent before can be read."""

    def adopt(self, connection: "Connection", fd: int) -> None:
        """Become an end of `connection`; `fd` is its own descriptor, which its method would take a call to tell."""
        self.connection, self.fd = connection, fd
        self.sink = self.unsent = None
        self.received = 0
        self.is_blocked = self.is_bulk = self.is_queued = self.is_room_watched = False
        self.has_tail = self.is_urgent = self.has_ended = self.has_failed = False

    def has_unread(self) -> bool:
        """Whether bytes wait to be read here (FIONREAD, 0.2 µs)."""
        ioctl(self.fd, FIONREAD, _COUNT)
        return any(_COUNT)

    def unacked(self) -> int:
        """Bytes sent here that the other host has not acknowledged (SIOCOUTQ of tcp(7))."""
        ioctl(self.fd, TIOCOUTQ, _COUNT)
        return int.from_bytes(_COUNT, sys.byteorder)


class Owner(Protocol):
    """Opens and closes connections: the service that they belong to."""

    @property
    def policy(self) -> Policy:
        """How they are treated."""

    def on_pending(self, end: End, event: int) -> None:
        """Epoll reports `event` on an end of a connection that does not relay yet."""

    def on_lost(self, end: End, error: OSError) -> None:
        """An end of a relaying connection broke; the owner decides what becomes of the connection.

        Nothing is read or sent before the batch has been sent: what was read before must arrive before.
        """

    def close(self, connection: "Connection", reason: Closed) -> None:
        """End a relaying connection and count why. Both sides are reset unless it is FINISHED."""


class Connection:
    """One client's connection, from accept to close. Which attributes are set depends on the phase.

    Attributes that the phase does not name are unset, so that a use of one at the wrong time raises AttributeError.
    """

    __slots__ = ("bucket", "client", "ending", "has_keepalive", "has_relayed", "phase", "queued_since", "quiet_since",
                 "server", "service", "started", "target", "tried", "unacked")

    client: End
    """Unset when CLOSED."""
    server: End
    """The end towards the backend; set while DIALING and RELAYING."""
    target: Target
    """The backend that counts this connection; set while DIALING and RELAYING."""
    queued_since: float
    """When it entered the queue, monotonic; set while QUEUED."""
    bucket: "set[Connection]"
    """The idle reaper's bucket that it stands in; set while RELAYING."""
    quiet_since: float
    """When bytes last moved, monotonic, to the reaper's resolution of a second; set while RELAYING."""
    unacked: int
    """Bytes that the kernel held for both ends when its time was last up; set once it `has_keepalive`."""

    def __init__(self, service: Owner, now: float) -> None:
        self.service = service
        self.tried: tuple[Target, ...] = ()
        """Backends that failed it already."""
        self.phase = CHOOSING
        self.ending: Closed | None = None
        """Why it closes as soon as the last words of an end that has failed have arrived; None: no end has failed."""
        self.started = now
        """When it was accepted, monotonic."""
        self.has_relayed = False
        """The reaper has counted bytes of it."""
        self.has_keepalive = False
        """The reaper has met it: the keepalive options of its backend's end are set."""

    def update_sinks(self) -> None:
        """Derive both ends' `sink`. Call it after each change of the phase, or of a flag that it reads.

        Both directions leave the fast path while either is blocked: the full end's WRITABLE must not pass unseen.
        """
        client, server = self.client, self.server
        if self.phase is not RELAYING or client.is_blocked or server.is_blocked or self.ending is not None:
            client.sink = server.sink = None
        else:
            client.sink = None if client.is_bulk or client.has_ended else server
            server.sink = None if server.is_bulk or server.has_ended else client
