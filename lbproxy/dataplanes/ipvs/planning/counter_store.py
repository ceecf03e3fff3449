"""What the kernel has counted, summed per backend of a service: only grows, whatever is deleted and made again. Pure.

The kernel keeps the counters of a deleted destination for a while and revives them with it, or begins at 0: both are
told apart by what was read last.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from lbproxy.dataplanes.ipvs.planning.desired import DestinationKey
from lbproxy.dataplanes.ipvs.planning.values import Counters, Key, ObservedDestination, ObservedService
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.model.stats import BackendStats, ServiceStats, Stats

REMEMBERED = 300.0
"""Seconds for which the last reading of a deleted destination is kept; the kernel revives it for 120 s or so."""
ENDED, DRAIN_TIMEOUT, DEAD, SHUTDOWN = "ended", "drain_timeout", "backend_dead", "shutdown"
"""Why connections have ended. Of those that it didn't lose by our doing, the kernel says only that they have."""
REASONS = (ENDED, DRAIN_TIMEOUT, DEAD, SHUTDOWN)


class CounterStore:
    """The sums, read from each dump. Times are seconds on the monotonic clock."""

    def __init__(self) -> None:
        self.services: dict[str, ServiceStats] = {}
        self.backends: dict[BackendKey, BackendStats] = {}
        self.published = Stats({}, {})
        """The sums as of the end of the last pass; never changed afterwards."""
        self._last: dict[DestinationKey, tuple[float, Counters]] = {}

    def open(self, snapshot: Snapshot, unsettled: AbstractSet[BackendKey]) -> None:
        """Count for these services and backends from now on, and for no others; publish what there is."""
        keys = {BackendKey(service.name, backend.address)
                for service in snapshot.services.values() for backend in service.backends}
        self.services = {name: self.services.get(name) or ServiceStats(closed=dict.fromkeys(REASONS, 0))
                         for name in snapshot.services}
        self.backends = {key: self.backends.get(key) or BackendStats() for key in keys}
        for key, stats in self.backends.items():
            stats.is_settled = key not in unsettled
        self._publish()

    def end(self) -> None:
        """Nothing is left: whatever was still there has ended."""
        for key in self.backends:
            self._note_ended(key, 0)
        self._publish()

    def made(self, spot: DestinationKey, now: float) -> None:
        """It is there by our doing: whatever it will have counted, it did for us."""
        self._last.setdefault(spot, (now, Counters()))

    def forget(self, key: Key) -> None:
        """A virtual service was deleted: what is made in its place begins at 0."""
        for spot in [spot for spot in self._last if spot.key == key]:
            del self._last[spot]

    def cut(self, backend: BackendKey, reason: str, connections: int) -> None:
        """So many connections were cut off with their destination."""
        self._close(backend, reason, connections)

    def read(self, observed: Mapping[Key, ObservedService], holders: Mapping[DestinationKey, str], now: float) -> None:
        """Take a dump; `holders` says whose each destination is."""
        active = dict.fromkeys(self.backends, 0)
        for spot, found in _spots(observed):
            if spot not in holders:
                continue  # nobody's as yet: it is taken over, or on its way out
            backend = BackendKey(holders[spot], spot.address)
            grown = self._growth(spot, found, now)
            if backend in self.backends:
                self._add(backend, grown)
                active[backend] += found.active
        for backend, count in active.items():
            self._note_ended(backend, count)
        self._last = {spot: last for spot, last in self._last.items() if now - last[0] < REMEMBERED}

    def _publish(self) -> None:
        self.published = Stats({name: replace(stats, closed=dict(stats.closed), rejected={})
                                for name, stats in self.services.items()},
                               {key: replace(stats, closed=dict(stats.closed)) for key, stats in self.backends.items()})

    def _growth(self, spot: DestinationKey, found: ObservedDestination, now: float) -> Counters:
        last = self._last[spot][1] if spot in self._last else _inherited(found)
        self._last[spot] = now, found.counters
        return _grown(last, found.counters)

    def _add(self, backend: BackendKey, grown: Counters) -> None:
        stats = self.backends[backend]
        stats.connections += grown.connections
        stats.bytes_received += grown.bytes_received
        stats.bytes_sent += grown.bytes_sent
        self.services[backend.service].accepted += grown.connections

    def _note_ended(self, backend: BackendKey, active: int) -> None:
        """What is not established has ended, but for the few that are connecting: those are early by a handshake."""
        stats = self.backends[backend]
        stats.active = active
        ended = stats.connections - active - sum(stats.closed.values())
        if ended > 0:
            self._close(backend, ENDED, ended)

    def _close(self, backend: BackendKey, reason: str, count: int) -> None:
        if backend in self.backends and count:
            for closed in (self.backends[backend].closed, self.services[backend.service].closed):
                closed[reason] = closed.get(reason, 0) + count


def _inherited(found: ObservedDestination) -> Counters:
    """What a destination had counted before our time: all but the connections that it still has."""
    mine = min(found.active, found.counters.connections)
    return replace(found.counters, connections=found.counters.connections - mine)


def _grown(last: Counters, now: Counters) -> Counters:
    if now.connections < last.connections:  # it began again
        return now
    return Counters(now.connections - last.connections, max(0, now.bytes_received - last.bytes_received),
                    max(0, now.bytes_sent - last.bytes_sent))


def _spots(observed: Mapping[Key, ObservedService]) -> Iterator[tuple[DestinationKey, ObservedDestination]]:
    for key, service in observed.items():
        for address, found in service.destinations.items():
            yield DestinationKey(key, address), found
