"""The clients of one service that wait: in its queue for a place below `max_conns`, or for a backend to answer.

Nothing was read from them yet, so every attempt that fails can be made again elsewhere. Each leaves either by
relaying or by `reject`, which resets it and counts why.
"""

import errno
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from socket import (
    IPPROTO_TCP,
    SO_ERROR,
    SO_OOBINLINE,
    SOCK_CLOEXEC,
    SOCK_NONBLOCK,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
)

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.reasons import OURS, Failed, Rejected
from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.connection import (
    CHOOSING,
    CLOSED,
    DIALING,
    QUEUED,
    RELAYING,
    Connection,
    End,
)
from lbproxy.dataplanes.userspace.worker.idle_reaper import IdleReaper
from lbproxy.dataplanes.userspace.worker.pool import Pool, Target
from lbproxy.dataplanes.userspace.worker.slow_path import ARRIVAL, ERROR, HANGUP, UNUSUAL, WRITABLE
from lbproxy.model.snapshot import Policy
from lbproxy.net.socket_options import ACK_WITH_DATA, reset_on_close, usable

EJECT_AFTER = 5
"""Connect failures in a row, in one worker, after which the main process is told."""

NONBLOCKING = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC
UNDER_WAY = frozenset({0, errno.EINPROGRESS})
"""What connect() says when nothing is wrong."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC})
"""What accept(), socket() and epoll say when descriptors or kernel memory are gone."""
_FAILURES = {
    errno.ECONNREFUSED: Failed.REFUSED,
    errno.ETIMEDOUT: Failed.TIMEOUT,
    errno.EHOSTUNREACH: Failed.UNREACHABLE,
    errno.ENETUNREACH: Failed.UNREACHABLE,
    errno.ECONNRESET: Failed.RESET,
}
_FAILURES_HERE = {errno.EADDRNOTAVAIL: Failed.PORTS, errno.EPERM: Failed.DENIED, errno.EACCES: Failed.DENIED}
"""What socket() and connect() say at once of this host. Later the same EACCES is what a firewall on the way has said
(ICMPv6 "administratively prohibited")."""


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What all services of one worker share."""

    byte_loop: ByteLoop
    reaper: IdleReaper
    cells: memoryview
    """The worker's block of counters."""


class PendingConnections:
    """Queues, connects and retries. `at` is the first cell of the service's counters.

    `on_failing` is told each time a backend has failed EJECT_AFTER times in a row, `on_exhausted` when a client had
    to be refused for want of descriptors or kernel memory.
    """

    def __init__(self, parts: WorkerParts, pool: Pool, at: int,
                 on_failing: Callable[[Target], None], on_exhausted: Callable[[], None]) -> None:
        self.policy = Policy()
        self.queue: deque[Connection] = deque()
        """Clients that are QUEUED, oldest first."""
        self.dialing: dict[Connection, float] = {}
        """Clients that are DIALING, and since when; oldest first."""
        self._byte_loop, self._reaper, self._cells = parts.byte_loop, parts.reaper, parts.cells
        self._pool, self._at, self._on_failing, self._on_exhausted = pool, at, on_failing, on_exhausted
        self._is_admitting = False
        self._may_wait_with_ack = bool(usable(ACK_WITH_DATA))

    def __len__(self) -> int:
        """How many clients wait."""
        return len(self.queue) + len(self.dialing)

    def connect(self, connection: Connection) -> None:
        """Find a CHOOSING connection a backend: dial the best one, or let it wait for a place, or refuse it."""
        target = self._pool.lease(connection.tried)
        if target is not None:
            self._dial(connection, target)
        elif self._pool.is_full:
            self._enqueue(connection)
        else:
            self.reject(connection, Rejected.CONNECT_FAILED if connection.tried else Rejected.NO_BACKEND)

    def on_event(self, end: End, event: int) -> None:
        """Epoll reports `event` on an end of a client that waits, or of its attempt."""
        connection = end.connection
        if end is connection.client:
            self._on_early(connection, event)
        elif event & (ERROR | HANGUP) and not (event & WRITABLE and end.has_unread()):
            self._on_failure(connection, _failure_of(end.getsockopt(SOL_SOCKET, SO_ERROR)))
        elif event & WRITABLE:  # it may be broken again already: what it had sent before is relayed
            self._on_connected(connection, event)

    def retry(self, connection: Connection) -> None:
        """Take a relaying connection back whose backend reset it before a byte moved: as good as a failed connect.

        Its ends must have no peer any more, and the reaper must not hold it.
        """
        connection.phase, connection.has_keepalive = DIALING, False
        connection.update_sinks()
        target = connection.target
        target.resets += 1
        if target.resets % EJECT_AFTER == 0:
            self._on_failing(target)
        self.dialing[connection] = self._byte_loop.now
        self._on_failure(connection, Failed.RESET)

    def reject(self, connection: Connection, reason: Rejected) -> None:
        """Refuse a CHOOSING connection: reset the client and count why."""
        connection.phase = CLOSED
        self._cells[self._at + counters.REJECTED + reason] += 1
        reset_on_close(connection.client)
        self._byte_loop.remove(connection.client)
        del connection.client

    def abandon(self, connection: Connection, reason: Rejected) -> None:
        """Refuse a client that is QUEUED or DIALING."""
        if connection.phase is DIALING:
            self._hang_up(connection)
        else:
            self.queue.remove(connection)
            self._show_queue()
        self.reject(connection, reason)

    def abandon_all(self, reason: Rejected) -> None:
        """Refuse every client that waits."""
        for connection in [*self.queue, *self.dialing]:
            if connection.phase in {QUEUED, DIALING}:  # one that was abandoned made room for the next, which failed
                self.abandon(connection, reason)

    def reassign(self, target: Target) -> None:
        """Try other backends for the clients that wait for this one to answer."""
        for connection in [c for c in self.dialing if c.target is target]:
            self._hang_up(connection)
            self.connect(connection)

    def expire(self, now: float) -> None:
        """End what has waited for too long; let the queue move if other workers made room."""
        while self.queue and now - self.queue[0].queued_since >= self.policy.queue_timeout:
            self.abandon(self.queue[0], Rejected.QUEUE_TIMEOUT)
        latest = now - self.policy.connect_timeout
        for connection in list(takewhile(lambda c: self.dialing[c] <= latest, self.dialing)):
            self._on_failure(connection, Failed.TIMEOUT)
        if self._pool.is_full:
            self._pool.review()
            self.admit_queued()

    def give_back(self, target: Target) -> None:
        """Return a lease: somebody in the queue may take it."""
        self._pool.give_back(target)
        if self.queue:
            self.admit_queued()

    def admit_queued(self) -> None:
        """Dial for the clients in the queue, oldest first, as far as there is room."""
        if self._is_admitting:  # a dial below failed at once and gave its place back: this loop goes on anyway
            return
        self._is_admitting = True
        while self.queue:
            tried = self.queue[0].tried
            target = self._pool.lease(tried)
            if target is None and tried and not self._pool.is_full:  # no other backend is worth waiting for
                target = self._pool.lease()
            if target is None:
                break
            self._dial(self.queue.popleft(), target)
        self._show_queue()
        self._is_admitting = False

    def _dial(self, connection: Connection, target: Target) -> None:
        """Begin an attempt at a leased backend. Its connect() is called when the whole batch has been read."""
        if connection.tried:
            self._cells[connection.tried[-1].at + counters.RETRIES] += 1
        try:
            server = End(target.family, NONBLOCKING)
        except OSError as error:
            self._on_no_socket(connection, target, error.errno or errno.EIO)
            return
        connection.phase, connection.target, connection.server = DIALING, target, server
        server.adopt(connection, server.fileno())
        self.dialing[connection] = self._byte_loop.now
        self._byte_loop.track(server)
        server.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        server.setsockopt(SOL_SOCKET, SO_OOBINLINE, 1)  # see URGENT_IN_LINE
        if self._may_wait_with_ack and connection.client.has_unread():
            # What the client has sent carries the handshake's last ACK: the backend wakes once instead of twice, and a
            # new connection takes 37 µs instead of 43. Not blindly: a backend that speaks first would wait for that ACK
            # until the kernel's delayed-ACK timer (40 to 200 ms).
            server.setsockopt(*ACK_WITH_DATA[0])
        self._byte_loop.defer(self._dial_now, server)

    def _on_no_socket(self, connection: Connection, target: Target, error: int) -> None:
        connection.phase = CHOOSING  # it may have been QUEUED
        if error in EXHAUSTED:
            self.give_back(target)
            self._on_exhausted()
            self.reject(connection, Rejected.DESCRIPTORS)
        else:  # e.g. the kernel has no IPv6
            self._count_failure(target, _failure_at_once(error))
            self.give_back(target)
            self._try_another(connection, target)

    def _dial_now(self, server: End) -> None:
        connection = server.connection
        error = self._connect(server)
        if error in EXHAUSTED:
            self._on_exhausted()
            self.abandon(connection, Rejected.DESCRIPTORS)
        elif error not in UNDER_WAY:
            self._on_failure(connection, _failure_at_once(error))

    def _connect(self, server: End) -> int:
        """Start connecting; return connect()'s errno, or why the socket can't be watched."""
        try:
            error = server.connect_ex(server.connection.target.address)
            self._byte_loop.watch_dialing(server)
        except OSError as failure:
            return failure.errno or errno.EIO
        return error

    def _enqueue(self, connection: Connection) -> None:
        if len(self.queue) >= self.policy.queue:
            self.reject(connection, Rejected.QUEUE_FULL)
        else:
            connection.phase, connection.queued_since = QUEUED, self._byte_loop.now
            self.queue.append(connection)
            self._show_queue()

    def _on_early(self, connection: Connection, event: int) -> None:
        client = connection.client
        if event & ERROR:
            self.abandon(connection, Rejected.CLIENT_GONE)
        elif event & ARRIVAL:
            client.is_blocked = True  # what it sent is read when a backend is there: until then it can be retried
            if event & UNUSUAL:
                self._byte_loop.slow_path.note(client, event)

    def _on_connected(self, connection: Connection, event: int) -> None:
        now = self._byte_loop.now
        since = self.dialing.pop(connection)
        counters.observe(self._cells, self._at + counters.CONNECT_HISTOGRAM, counters.CONNECT_BOUNDS, now - since)
        connection.target.failures = 0
        connection.phase, connection.quiet_since = RELAYING, now
        self._reaper.add(connection)
        self._byte_loop.link(connection)
        if event & ARRIVAL:
            self._byte_loop.slow_path.on_event(connection.server, event)

    def _on_failure(self, connection: Connection, reason: Failed) -> None:
        """The attempt under way has failed: count it, and try another backend if any is left."""
        target = connection.target
        self._count_failure(target, reason)
        self._hang_up(connection)
        self._try_another(connection, target)

    def _count_failure(self, target: Target, reason: Failed) -> None:
        self._cells[target.at + counters.FAILED + reason] += 1
        if reason in OURS:
            return
        target.failures += 1
        if target.failures % EJECT_AFTER == 0:
            self._on_failing(target)

    def _try_another(self, connection: Connection, failed: Target) -> None:
        connection.tried = (*connection.tried, failed)
        if len(connection.tried) > self.policy.connect_retries:
            self.reject(connection, Rejected.CONNECT_FAILED)
        else:
            self.connect(connection)

    def _hang_up(self, connection: Connection) -> None:
        """Give up the attempt of a DIALING connection, its socket and its lease: a backend is to be chosen again."""
        target = connection.target
        connection.phase = CHOOSING
        del self.dialing[connection]
        self._byte_loop.remove(connection.server)
        del connection.server, connection.target
        self.give_back(target)

    def _show_queue(self) -> None:
        self._cells[self._at + counters.QUEUED] = len(self.queue)


def _failure_at_once(code: int) -> Failed:
    """Say why socket() or connect() failed at once, from its errno."""
    return _FAILURES_HERE.get(code) or _failure_of(code)


def _failure_of(code: int) -> Failed:
    """Say why a connect failed in the end, from its errno."""
    return _FAILURES.get(code, Failed.OTHER)
