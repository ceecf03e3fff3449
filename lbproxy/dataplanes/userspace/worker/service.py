"""One service in one worker: where its clients come in, and where the relayed ones end.

Every connection ends in `close` or in `PendingConnections.reject`, which return its lease and count the reason.
"""

import errno
from collections.abc import Callable, Collection
from os import set_blocking
from socket import SOCK_STREAM

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.reasons import FINISHED, Closed, Rejected
from lbproxy.dataplanes.userspace.worker.connection import CLOSED, Connection, End
from lbproxy.dataplanes.userspace.worker.pending_connections import PendingConnections, WorkerParts
from lbproxy.dataplanes.userspace.worker.pool import Pool, Target
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy
from lbproxy.net.socket_options import reset_on_close

GONE_SILENT = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""What an established connection says when the other host no longer answers."""


class LiveService:
    """Opens and closes the connections of one service; those that wait are with `pending`.

    `slot` is its place in the worker's counters. The callbacks are those of `PendingConnections`.
    """

    def __init__(self, parts: WorkerParts, pool: Pool, slot: int,
                 on_failing: Callable[[Target], None], on_exhausted: Callable[[], None]) -> None:
        self.pool = pool
        self._byte_loop, self._reaper, self._cells = parts.byte_loop, parts.reaper, parts.cells
        self._at = counters.service_at(slot)
        self.pending = PendingConnections(parts, pool, self._at, on_failing, on_exhausted)
        self.on_pending = self.pending.on_event

    @property
    def policy(self) -> Policy:
        """How its connections are treated."""
        return self.pending.policy

    def configure(self, policy: Policy) -> None:
        """Treat connections so from now on, those that exist too."""
        self.pending.policy = policy
        self.pool.configure(policy.scheduler, policy.max_conns)
        self.pending.admit_queued()

    def open(self, family: int, fd: int) -> None:
        """Take over an accepted client, whose descriptor belongs to it from now on."""
        self._cells[self._at + counters.ACCEPTED] += 1
        connection = Connection(self, self._byte_loop.now)
        # Python's accept has no SOCK_NONBLOCK. This call costs 0.3 µs per connection, and saves MSG_DONTWAIT in each
        # recv and send, which is 4 % of the instructions of a request.
        set_blocking(fd, False)
        connection.client = client = End(family, SOCK_STREAM, 0, fd)
        client.adopt(connection, fd)
        try:
            self._byte_loop.watch(client)
        except OSError:
            self.pending.reject(connection, Rejected.DESCRIPTORS)
        else:
            self.pending.connect(connection)

    def on_lost(self, end: End, error: OSError) -> None:
        """An end of a relaying connection broke: break the other too, unless another backend can serve it.

        What the broken end had sent before arrives first.
        """
        connection = end.connection
        is_server = end is connection.server
        if connection.ending is not None:
            if not end.has_failed:  # nobody is left who could take the other end's last words
                self.close(connection, connection.ending)
        elif is_server and error.errno == errno.ECONNRESET and not _has_relayed(connection) and not end.has_unread():
            self._take_back(connection)
        elif error.errno in GONE_SILENT:
            self._fail(end, Closed.BACKEND_TIMEOUT if is_server else Closed.CLIENT_TIMEOUT)
        else:
            self._fail(end, Closed.BACKEND_RESET if is_server else Closed.CLIENT_RESET)

    def close(self, connection: Connection, reason: Closed) -> None:
        """End a relaying connection. Whatever did not finish ends in a reset on both sides."""
        client, server, target, byte_loop = connection.client, connection.server, connection.target, self._byte_loop
        connection.phase = CLOSED
        if _has_relayed(connection):
            target.resets = 0
        self._reaper.discard(connection)
        self._cells[target.at + counters.CLOSED + reason] += 1
        self._cells[self._at + counters.SERVICE_CLOSED + reason] += 1
        seconds = byte_loop.now - connection.started
        counters.observe(self._cells, self._at + counters.DURATION_HISTOGRAM, counters.DURATION_BOUNDS, seconds)
        if reason is not FINISHED:
            reset_on_close(client)
            reset_on_close(server)
        byte_loop.remove(client)
        byte_loop.remove(server)
        # No cycle is left: the collector is off in a worker (process.main), so what is in one would stay for ever.
        connection.update_sinks()
        client.unsent = server.unsent = None
        del connection.client, connection.server, connection.target, client.peer, server.peer
        self.pending.give_back(target)

    def drop(self, address: Address) -> None:
        """Forget a backend; reset the connections that it still has."""
        target = self.pool.drop(address)
        if target is not None:
            for connection in self._reaper:
                if connection.target is target:
                    self.close(connection, Closed.DRAIN_TIMEOUT)
            self.pending.reassign(target)

    def oldest(self, addresses: Collection[Address]) -> dict[Address, float]:
        """Seconds since the oldest relayed connection of each of these backends was accepted; only of those with any.

        Looks at every connection of the worker: for an operator's question, not for every second.
        """
        wanted = {self.pool.targets.get(address) for address in addresses}
        ages: dict[Address, float] = {}
        for connection in self._reaper:
            if connection.target in wanted:
                address, age = connection.target.address, self._byte_loop.now - connection.started
                ages[address] = max(age, ages.get(address, 0.0))
        return ages

    def _fail(self, end: End, reason: Closed) -> None:
        """Close the connection, when what can still be read from the end that broke has arrived at the other."""
        slow_path = self._byte_loop.slow_path
        slow_path.fail(end, reason)
        # Not at once: what this batch has read from it before is yet to be sent.
        self._byte_loop.defer(slow_path.relay_last_words, end)

    def _take_back(self, connection: Connection) -> None:
        """Make a relaying connection that has relayed nothing a pending one again."""
        client, server = connection.client, connection.server
        self._reaper.discard(connection)
        del client.peer, server.peer
        client.is_blocked = True  # whatever it has sent or ended is still unread, or can be read again
        client.has_ended = False
        self.pending.retry(connection)


def _has_relayed(connection: Connection) -> bool:
    return bool(connection.has_relayed or connection.client.received or connection.server.received)
