"""Coarse timers shared by all connections: a timer for each would cost every connection and every request.

Connections stand in a ring of buckets and each tick visits one bucket: bytes are brought to the counters,
what was silent for too long is ended, and what proves to be long-lived gets its keepalive options.
To stand in the ring takes 0.3 µs of a connection, and nothing of a request.
"""

from collections.abc import Iterator
from itertools import chain

from lbproxy.dataplanes.userspace.shared.counters import RECEIVED, SENT
from lbproxy.dataplanes.userspace.shared.reasons import Closed
from lbproxy.dataplanes.userspace.worker.connection import Connection
from lbproxy.net.socket_options import DEAD_PEER_AFTER, KEEPALIVE, set_options, usable

TICK = 0.1
"""Seconds between two ticks."""
BUCKETS = 10
"""Each connection is visited once in BUCKETS ticks: the resolution of idle and half-close timeouts is a second."""

BACKEND_LIFE = (*KEEPALIVE, DEAD_PEER_AFTER)
"""Only a connection that lives for a second needs these: short ones don't pay for them."""


class IdleReaper:
    """The ring of one worker: each connection that relays stands in it. `cells` are the worker's counters."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells
        self._backend_life = usable(BACKEND_LIFE)
        self._ring: tuple[set[Connection], ...] = tuple(set() for _ in range(BUCKETS))
        self._position = 0

    def __iter__(self) -> Iterator[Connection]:
        """Every connection at this moment."""
        return iter(list(chain.from_iterable(self._ring)))

    def __len__(self) -> int:
        return sum(map(len, self._ring))

    def add(self, connection: Connection) -> None:
        """Visit it from now on, the first time after a whole round of BUCKETS ticks."""
        connection.bucket = bucket = self._ring[self._position]
        bucket.add(connection)

    def discard(self, connection: Connection) -> None:
        """Visit it no more; bring its last bytes to the counters."""
        connection.bucket.discard(connection)
        self._count(connection)

    def tick(self, now: float) -> None:
        """Visit the next bucket; `now` is on the monotonic clock. May close connections of that bucket."""
        self._position = (self._position + 1) % BUCKETS
        for connection in list(self._ring[self._position]):
            self._visit(connection, now)

    def _visit(self, connection: Connection, now: float) -> None:
        if not connection.has_keepalive:
            connection.has_keepalive, connection.unacked = True, 0
            set_options(connection.server, self._backend_life)
        if self._count(connection):
            connection.has_relayed = True
            connection.quiet_since = now
        elif (reason := _overdue(connection, now - connection.quiet_since)) is not None:
            if _is_taking(connection):
                connection.quiet_since = now
            else:
                connection.service.close(connection, reason if connection.ending is None else connection.ending)

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
    is_half_open = connection.client.has_ended or connection.server.has_ended or connection.ending is not None
    if is_half_open and quiet >= policy.half_close_timeout:
        return Closed.HALF_CLOSE_TIMEOUT
    if policy.idle_timeout and quiet >= policy.idle_timeout:
        return Closed.IDLE_TIMEOUT
    return None


def _is_taking(connection: Connection) -> bool:
    """A slow reader still takes what the kernel holds for it: a reset would cut that off.

    Asked only when time is up, so a peer that has stopped reading lives for two limits instead of one.
    """
    unacked = connection.client.unacked() + connection.server.unacked()
    has_changed = unacked != connection.unacked
    connection.unacked = unacked
    return unacked > 0 and has_changed
