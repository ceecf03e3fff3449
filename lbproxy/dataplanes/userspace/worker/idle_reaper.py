"""Coarse timers shared by all connections: none has a timer of its own.

Connections stand in a ring of buckets and each tick visits one bucket: bytes are brought to the counters,
what was silent for too long is ended, and what proves to be long-lived gets its keepalive options.
"""

import sys
from collections.abc import Iterator
from fcntl import ioctl
from itertools import chain
from termios import TIOCOUTQ

from lbproxy.dataplanes.userspace.shared.counters import RECEIVED, SENT
from lbproxy.dataplanes.userspace.shared.reasons import Closed
from lbproxy.dataplanes.userspace.worker.connection import Connection, End
from lbproxy.net.socket_options import DEAD_PEER_AFTER, KEEPALIVE, set_options

TICK = 0.1
"""Seconds between two ticks."""
BUCKETS = 10
"""Each connection is met once in BUCKETS ticks: the resolution of idle and half-close timeouts is a second."""

BACKEND_LIFE = (*KEEPALIVE, DEAD_PEER_AFTER)
"""Only a connection that lives for a second needs these: short ones don't pay for them."""


class IdleReaper:
    """The ring of one worker. `cells` are the worker's counters."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells
        self._ring: tuple[set[Connection], ...] = tuple(set() for _ in range(BUCKETS))
        self._position = 0

    def __iter__(self) -> Iterator[Connection]:
        """Every connection at this moment."""
        return iter(list(chain.from_iterable(self._ring)))

    def __len__(self) -> int:
        return sum(map(len, self._ring))

    def add(self, connection: Connection) -> None:
        """Meet it from now on, the first time after a whole round."""
        connection.ring = bucket = self._ring[self._position]
        bucket.add(connection)

    def discard(self, connection: Connection) -> None:
        """Meet it no more; bring its last bytes to the counters."""
        connection.ring.discard(connection)
        self._count(connection)

    def tick(self, now: float) -> None:
        """Visit the next bucket."""
        self._position = (self._position + 1) % BUCKETS
        for connection in list(self._ring[self._position]):
            self._visit(connection, now)

    def _visit(self, connection: Connection, now: float) -> None:
        if not connection.is_aged:
            connection.is_aged, connection.owed = True, 0
            set_options(connection.server, BACKEND_LIFE)
        if self._count(connection):
            connection.has_relayed = True
            connection.quiet_since = now
        elif (reason := _overdue(connection, now - connection.quiet_since)) is not None:
            if _is_taking(connection):
                connection.quiet_since = now
            else:
                connection.service.close(connection, reason)

    def _count(self, connection: Connection) -> int:
        client, server, at = connection.client, connection.server, connection.target.at
        received, sent = client.received, server.received
        if received:
            self._cells[at + RECEIVED] += received
            client.received = 0
        if sent:
            self._cells[at + SENT] += sent
            server.received = 0
        return received + sent


def _overdue(connection: Connection, quiet: float) -> Closed | None:
    policy = connection.service.policy
    is_half_open = connection.client.has_ended or connection.server.has_ended
    if is_half_open and quiet >= policy.half_close_timeout:
        return Closed.HALF_CLOSE_TIMEOUT
    if policy.idle_timeout and quiet >= policy.idle_timeout:
        return Closed.IDLE_TIMEOUT
    return None


def _is_taking(connection: Connection) -> bool:
    """A slow reader still takes what the kernel holds for it: a reset would cut that off.

    Asked only when time is up, so who has stopped reading lives for two limits instead of one.
    """
    owed = _unacknowledged(connection.client) + _unacknowledged(connection.server)
    has_changed = owed != connection.owed
    connection.owed = owed
    return owed > 0 and has_changed


def _unacknowledged(end: End) -> int:
    return int.from_bytes(ioctl(end.fd, TIOCOUTQ, bytes(4)), sys.byteorder)  # SIOCOUTQ of tcp(7)
