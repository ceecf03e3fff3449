"""The clients of one service that wait: for a place below `max_conns`, or for a backend to answer.

Nothing was read from them yet, so every attempt that fails can be made again elsewhere. Each leaves either by
relaying or by `reject`, which resets it and counts why.
"""

import errno
from collections import deque
from itertools import takewhile
from socket import SO_ERROR, SOL_SOCKET
from typing import TYPE_CHECKING

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.reasons import Failed, Rejected
from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.connection import Connection, End, Phase
from lbproxy.dataplanes.userspace.worker.dialing import EXHAUSTED, UNDER_WAY, dial, failure_of, prepare
from lbproxy.dataplanes.userspace.worker.idle_reaper import IdleReaper
from lbproxy.dataplanes.userspace.worker.pool import Pool
from lbproxy.dataplanes.userspace.worker.slow_path import ARRIVAL, ERROR, HANGUP, UNUSUAL, WRITABLE
from lbproxy.dataplanes.userspace.worker.target import Target
from lbproxy.model.snapshot import Policy
from lbproxy.net.socket_options import reset_on_close

if TYPE_CHECKING:
    from collections.abc import Callable

EJECT_AFTER = 5
"""Connect failures in a row, in one worker, after which the main process is told."""


class PendingConnections:
    """Queues, connects and retries.

    `on_failing` is told each time a backend has failed EJECT_AFTER times in a row, `on_exhausted` when a client had
    to be refused for want of descriptors or kernel memory.
    """

    def __init__(self, relay: ByteLoop, sweep: IdleReaper, pool: Pool, cells: memoryview, at: int) -> None:
        self.policy = Policy()
        self.queue: deque[Connection] = deque()
        """Clients that wait for a place, oldest first."""
        self.dialing: dict[Connection, float] = {}
        """Clients whose backend has yet to answer, and since when; oldest first."""
        self.on_failing: Callable[[Target], None] = lambda _: None
        self.on_exhausted: Callable[[], None] = lambda: None
        self._relay, self._sweep, self._pool, self._cells, self._at = relay, sweep, pool, cells, at
        self._is_feeding = False

    def __len__(self) -> int:
        """How many clients wait."""
        return len(self.queue) + len(self.dialing)

    def connect(self, connection: Connection) -> None:
        """Find it a backend: dial the best one, or let it wait for a place, or refuse it."""
        target = self._pool.lease(connection.tried)
        if target is not None:
            self._dial(connection, target)
        elif self._pool.is_full:
            self._enqueue(connection)
        else:
            self.reject(connection, Rejected.CONNECT_FAILED if connection.tried else Rejected.NO_BACKEND)

    def on_event(self, end: End, event: int) -> None:
        """Something happened on an end of a client that waits, or of its attempt."""
        connection = end.connection
        if end is connection.client:
            self._on_early(connection, event)
        elif event & (ERROR | HANGUP):
            self.on_failure(connection, failure_of(end.getsockopt(SOL_SOCKET, SO_ERROR)))
        elif event & WRITABLE:
            self._on_connected(connection, event)

    def on_failure(self, connection: Connection, reason: Failed) -> None:
        """The attempt under way has failed: count it, and try another backend if any is left."""
        target = connection.target
        self._cells[target.at + counters.FAILED + reason] += 1
        target.failures += 1
        if target.failures % EJECT_AFTER == 0:
            self.on_failing(target)
        self._hang_up(connection)
        self._retry(connection, target)

    def redial(self, connection: Connection) -> None:
        """Its backend accepted and reset before a byte moved: as good as a failed connect."""
        connection.phase, connection.is_aged = Phase.WAITING, False
        connection.target.resets += 1
        if connection.target.resets % EJECT_AFTER == 0:
            self.on_failing(connection.target)
        self.dialing[connection] = self._relay.now
        self.on_failure(connection, Failed.RESET)

    def reject(self, connection: Connection, reason: Rejected) -> None:
        """Refuse a client that holds no lease and stands in no queue."""
        connection.phase = Phase.CLOSED
        self._cells[self._at + counters.REJECTED + reason] += 1
        reset_on_close(connection.client)
        self._relay.remove(connection.client)
        del connection.client

    def abandon(self, connection: Connection, reason: Rejected) -> None:
        """Refuse a client, wherever it waits."""
        if connection in self.dialing:
            self._hang_up(connection)
        else:
            self.queue.remove(connection)
            self._show_queue()
        self.reject(connection, reason)

    def abandon_all(self, reason: Rejected) -> None:
        """Refuse everybody who waits."""
        for connection in [*self.queue, *self.dialing]:
            if connection.phase is Phase.WAITING:
                self.abandon(connection, reason)

    def leave(self, target: Target) -> None:
        """Try other backends for the clients that wait for this one."""
        for connection in [connection for connection in self.dialing if connection.target is target]:
            self._hang_up(connection)
            self.connect(connection)

    def expire(self, now: float) -> None:
        """End what has waited for too long; let the queue move if other workers made room."""
        while self.queue and now - self.queue[0].quiet_since >= self.policy.queue_timeout:
            self.abandon(self.queue[0], Rejected.QUEUE_TIMEOUT)
        latest = now - self.policy.connect_timeout
        for connection in list(takewhile(lambda c: self.dialing[c] <= latest, self.dialing)):
            self.on_failure(connection, Failed.TIMEOUT)
        if self._pool.is_full:
            self._pool.review()
            self.feed()

    def give_back(self, target: Target) -> None:
        """Return a lease: somebody in the queue may take it."""
        self._pool.give_back(target)
        if self.queue:
            self.feed()

    def feed(self) -> None:
        """Connect the clients in the queue, as far as there is room."""
        if self._is_feeding:  # called again by a failure below: the loop goes on anyway
            return
        self._is_feeding = True
        while self.queue:
            tried = self.queue[0].tried
            target = self._pool.lease(tried)
            if target is None and tried and not self._pool.is_full:  # nobody else is worth waiting for
                target = self._pool.lease()
            if target is None:
                break
            self._dial(self.queue.popleft(), target)
        self._show_queue()
        self._is_feeding = False

    def _dial(self, connection: Connection, target: Target) -> None:
        if connection.tried:
            self._cells[connection.tried[-1].at + counters.RETRIES] += 1
        connection.target = target
        self.dialing[connection] = self._relay.now
        try:
            prepare(self._relay, connection, target.family)
        except OSError as error:
            self._on_dialed(connection, error.errno or errno.EIO)
        else:
            self._relay.put_off(self._dial_now, connection.server)

    def _dial_now(self, server: End) -> None:
        self._on_dialed(server.connection, dial(self._relay, server))

    def _on_dialed(self, connection: Connection, error: int) -> None:
        if error in EXHAUSTED:
            self.on_exhausted()
            self.abandon(connection, Rejected.DESCRIPTORS)
        elif error not in UNDER_WAY:
            self.on_failure(connection, failure_of(error))

    def _enqueue(self, connection: Connection) -> None:
        if len(self.queue) >= self.policy.queue:
            self.reject(connection, Rejected.QUEUE_FULL)
        else:
            connection.quiet_since = self._relay.now
            self.queue.append(connection)
            self._show_queue()

    def _on_early(self, connection: Connection, event: int) -> None:
        client = connection.client
        if event & ERROR:
            self.abandon(connection, Rejected.CLIENT_GONE)
        elif event & ARRIVAL:
            client.is_blocked = True  # what it sent is read when a backend is there: until then it can be retried
            if event & UNUSUAL:
                self._relay.pump.note(client, event)

    def _on_connected(self, connection: Connection, event: int) -> None:
        now = self._relay.now
        since = self.dialing.pop(connection)
        counters.observe(self._cells, self._at + counters.CONNECT_HISTOGRAM, counters.CONNECT_BOUNDS, now - since)
        connection.target.failures = 0
        connection.phase = Phase.RELAYING
        connection.quiet_since = now
        self._sweep.add(connection)
        self._relay.join(connection.client, connection.server)
        if event & ARRIVAL and connection.phase is Phase.RELAYING:
            self._relay.pump.on_event(connection.server, event)

    def _retry(self, connection: Connection, failed: Target) -> None:
        connection.tried = (*connection.tried, failed)
        if len(connection.tried) > self.policy.connect_retries:
            self.reject(connection, Rejected.CONNECT_FAILED)
        else:
            self.connect(connection)

    def _hang_up(self, connection: Connection) -> None:
        """Give up the attempt under way: its socket and its lease."""
        del self.dialing[connection]
        if hasattr(connection, "server"):
            self._relay.remove(connection.server)
            del connection.server
        self.give_back(connection.target)

    def _show_queue(self) -> None:
        self._cells[self._at + counters.QUEUED] = len(self.queue)
