"""One service in one worker: where its clients come in, and where the relayed ones end.

Every connection ends in `close` or in the reception's `reject`, which return its lease and count the reason.
"""

import errno
from collections.abc import Collection
from socket import SOCK_STREAM

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Rejected
from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.connection import Connection, End, Phase
from lbproxy.dataplanes.userspace.worker.dialing import GONE_SILENT
from lbproxy.dataplanes.userspace.worker.idle_reaper import IdleReaper
from lbproxy.dataplanes.userspace.worker.pending_connections import PendingConnections
from lbproxy.dataplanes.userspace.worker.pool import Pool
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy
from lbproxy.net.socket_options import reset_on_close


class LiveService:
    """Opens and closes the connections of one service; who waits is with its `reception`."""

    def __init__(self, relay: ByteLoop, sweep: IdleReaper, pool: Pool, cells: memoryview, slot: int) -> None:
        self.pool = pool
        self._relay, self._sweep, self._cells = relay, sweep, cells
        self._at = counters.service_at(slot)
        self.reception = PendingConnections(relay, sweep, pool, cells, self._at)
        self.on_waiting = self.reception.on_event

    @property
    def policy(self) -> Policy:
        """How its connections are treated."""
        return self.reception.policy

    def configure(self, policy: Policy) -> None:
        """Treat connections so from now on, those that exist too."""
        self.reception.policy = policy
        self.pool.configure(policy.scheduler, policy.max_conns)
        self.reception.feed()

    def open(self, family: int, fd: int) -> None:
        """Take over an accepted client."""
        self._cells[self._at + counters.ACCEPTED] += 1
        connection = Connection(self, self._relay.now)
        connection.client = client = End(family, SOCK_STREAM, 0, fd)
        client.adopt(connection, fd)
        try:
            self._relay.add(client)
        except OSError:
            self.reception.reject(connection, Rejected.DESCRIPTORS)
        else:
            self.reception.connect(connection)

    def on_lost(self, end: End, error: OSError) -> None:
        """An end of a relaying connection broke: break the other too, unless another backend can serve it."""
        connection = end.connection
        is_server = end is connection.server
        if is_server and error.errno == errno.ECONNRESET and not _has_relayed(connection):
            self._revive(connection)
        elif error.errno in GONE_SILENT:
            self.close(connection, Closed.BACKEND_TIMEOUT if is_server else Closed.CLIENT_TIMEOUT)
        else:
            self.close(connection, Closed.BACKEND_RESET if is_server else Closed.CLIENT_RESET)

    def close(self, connection: Connection, reason: Closed) -> None:
        """End a relaying connection. Whatever did not finish ends in a reset on both sides."""
        client, server, target, relay = connection.client, connection.server, connection.target, self._relay
        connection.phase = Phase.CLOSED
        if _has_relayed(connection):
            target.resets = 0
        self._sweep.discard(connection)
        self._cells[target.at + counters.CLOSED + reason] += 1
        self._cells[self._at + counters.SERVICE_CLOSED + reason] += 1
        seconds = relay.now - connection.started
        counters.observe(self._cells, self._at + counters.DURATION_HISTOGRAM, counters.DURATION_BOUNDS, seconds)
        if reason is not Closed.FINISHED:
            reset_on_close(client)
            reset_on_close(server)
        relay.remove(client)
        relay.remove(server)
        client.sink = server.sink = client.unsent = server.unsent = None
        del connection.client, connection.server, client.peer, server.peer  # no cycle is left for the collector
        self.reception.give_back(target)

    def drop(self, address: Address) -> None:
        """Forget a backend; reset the connections that it still has."""
        target = self.pool.drop(address)
        if target is not None:
            for connection in self._sweep:
                if connection.target is target:
                    self.close(connection, Closed.DRAIN_TIMEOUT)
            self.reception.leave(target)

    def oldest(self, addresses: Collection[Address]) -> dict[Address, float]:
        """Seconds since the oldest relayed connection of each of these backends was accepted; only of those with any.

        Looks at every connection of the worker: for an operator's question, not for every second.
        """
        wanted = {self.pool.targets.get(address) for address in addresses}
        ages: dict[Address, float] = {}
        for connection in self._sweep:
            if connection.target in wanted:
                address, age = connection.target.address, self._relay.now - connection.started
                ages[address] = max(age, ages.get(address, 0.0))
        return ages

    def _revive(self, connection: Connection) -> None:
        client, server = connection.client, connection.server
        self._sweep.discard(connection)
        client.sink = server.sink = None
        del client.peer, server.peer
        client.is_blocked = True  # whatever it has sent or ended is still unread, or can be read again
        client.has_ended = False
        self.reception.redial(connection)


def _has_relayed(connection: Connection) -> bool:
    return bool(connection.has_relayed or connection.client.received or connection.server.received)
