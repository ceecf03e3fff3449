"""A byte loop that looks after each batch whether what the relay's package promises of connections holds."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from lbproxy.dataplanes.userspace.worker.byte_loop import _OUTSIDE, ByteLoop
from lbproxy.dataplanes.userspace.worker.connection import Connection, End, Phase
from lbproxy.dataplanes.userspace.worker.service import LiveService

WHEN = {
    "client": {Phase.QUEUED, Phase.DIALING, Phase.RELAYING},
    "server": {Phase.DIALING, Phase.RELAYING},
    "target": {Phase.DIALING, Phase.RELAYING},
}
"""Attributes that are set in these phases and in no other."""
ALSO_AFTER = {"queued_since": {Phase.QUEUED}, "bucket": {Phase.RELAYING}, "quiet_since": {Phase.RELAYING}}
"""Attributes that are set in these phases, and mean nothing in others."""


class CheckedByteLoop(ByteLoop):
    """Fails in the batch after which something is wrong, not where it shows in the end."""

    @property
    def is_outside(self) -> bool:
        return self._deferred is _OUTSIDE

    @contextmanager
    def batch(self) -> Iterator[None]:
        is_inner = not self.is_outside
        with super().batch():
            yield
        if not is_inner:
            self.check()

    def run(self, until: float = 0.0) -> bool:
        is_left = super().run(until)
        self.check()
        return is_left

    def check(self) -> None:
        """Raise AssertionError if an invariant is broken."""
        assert self.is_outside
        connections = {end.connection for end in self._ends.values()}
        for connection in connections:
            _check_phase(connection)
            _check_place(connection)
            for end in _ends(connection):
                assert self._ends[end.fd] is end
                assert not os.get_blocking(end.fd), "an end blocks"
                assert end.is_queued == (end in self.slow_path.bulk)
            _check_flow(connection)
        _check_leases(connections)


def _ends(connection: Connection) -> list[End]:
    return [getattr(connection, name) for name in ("client", "server") if hasattr(connection, name)]


def _check_phase(connection: Connection) -> None:
    phase = connection.phase
    for name, phases in WHEN.items():
        assert hasattr(connection, name) == (phase in phases), f"{name} of one that is {phase.name}"
    for name, phases in ALSO_AFTER.items():
        assert hasattr(connection, name) or phase not in phases, f"{name} of one that is {phase.name}"


def _check_place(connection: Connection) -> None:
    """Each stands exactly where its phase says."""
    service, phase = connection.service, connection.phase
    assert isinstance(service, LiveService)
    assert (connection in service.pending.queue) == (phase is Phase.QUEUED)
    assert (connection in service.pending.dialing) == (phase is Phase.DIALING)
    assert (connection in getattr(connection, "bucket", ())) == (phase is Phase.RELAYING)


def _check_flow(connection: Connection) -> None:
    """Which end is read, and by which path."""
    if connection.phase is not Phase.RELAYING:
        assert not any(hasattr(end, "peer") or end.sink or end.unsent for end in _ends(connection))
        return
    client, server = connection.client, connection.server
    assert (client.peer, server.peer) == (server, client)
    is_free = not (client.is_blocked or server.is_blocked) and connection.ending is None
    assert (connection.ending is not None) == (client.has_failed or server.has_failed)
    for end in (client, server):
        assert end.sink is (end.peer if is_free and not (end.is_bulk or end.has_ended) else None), "a sink is stale"
        assert end.is_blocked == bool(end.peer.unsent), "one that is not read has a peer that is owed something"


def _check_leases(connections: set[Connection]) -> None:
    """Each connection that has a backend holds exactly one lease."""
    held = Counter(connection.target for connection in connections if hasattr(connection, "target"))
    for target, count in held.items():
        assert target.active == count, f"{target} for {count} connections"
