"""What the kernel has counted, summed per backend of a service. The sums only grow. Pure.

The kernel's own counters do not. A deleted destination goes to a trash list; added again to the same virtual service
within about 120 s, it has its old counters (`ip_vs_trash_get_dest` in net/netfilter/ipvs/ip_vs_ctl.c). Later, or in a
virtual service that was made anew, it starts at 0. The last reading of each destination tells which of both has
happened.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from lbproxy.dataplanes.ipvs.planning.values import (
    Counters,
    DestinationKey,
    ObservedDestination,
    ObservedService,
    ServiceKey,
    observed_destinations,
)
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.model.stats import BackendStats, ServiceStats, Stats

REMEMBERED = 300.0
"""Seconds for which the last reading of a deleted destination is kept; well above the kernel's trash period of 120
s."""
ENDED, DRAIN_TIMEOUT, DEAD, SHUTDOWN = "ended", "drain_timeout", "backend_dead", "shutdown"
"""Why connections have ended. The kernel gives no reason: all that lbproxy did not cut itself are `ended`."""
REASONS = (ENDED, DRAIN_TIMEOUT, DEAD, SHUTDOWN)


class CounterStore:
    """The sums since this process started. Times are seconds on the monotonic clock."""

    def __init__(self) -> None:
        self.services: dict[str, ServiceStats] = {}
        self.backends: dict[BackendKey, BackendStats] = {}
        self.published = Stats({}, {})
        """A copy of the sums as of the last `track`; never changed afterwards."""
        self._last: dict[DestinationKey, tuple[float, Counters]] = {}
        """The last reading of each destination, and its time."""

    def track(self, snapshot: Snapshot, unsettled: AbstractSet[BackendKey]) -> None:
        """Count for the snapshot's services and backends from now on, and for no others; publish the sums."""
        keys = {BackendKey(service.name, address) for service in snapshot.services.values()
                for address in (*service.left_out, *(backend.address for backend in service.backends))}
        self.services = {name: self.services.get(name) or ServiceStats(closed=dict.fromkeys(REASONS, 0))
                         for name in snapshot.services}
        self.backends = {key: self.backends.get(key) or BackendStats() for key in keys}
        for key, stats in self.backends.items():
            # See `DrainTracker.unsettled`: for a moment after closing, zero active connections may not stay zero.
            stats.is_settled = key not in unsettled
        self._publish()

    def update(self, observed: Mapping[ServiceKey, ObservedService], owners: Mapping[DestinationKey, str],
               now: float) -> None:
        """Add what a new reading has counted since the last one; `owners` names the service of each destination."""
        active = dict.fromkeys(self.backends, 0)
        for key, found in observed_destinations(observed):
            if key not in owners:
                continue  # it may yet become another service's: its counts wait until that is known
            backend = BackendKey(owners[key], key.address)
            growth = self._growth(key, found, now)
            if backend in self.backends:
                self._add(backend, growth)
                active[backend] += found.active
        for backend, count in active.items():
            self._set_active(backend, count)
        self._last = {key: last for key, last in self._last.items() if now - last[0] < REMEMBERED}

    def start_at_zero(self, key: DestinationKey, now: float) -> None:
        """Note that this process has added the destination: all that it counts is ours, unless it is revived."""
        # `setdefault`: a destination from the trash list goes on with the reading that is remembered.
        self._last.setdefault(key, (now, Counters()))

    def forget_service(self, key: ServiceKey) -> None:
        """Note that a virtual service was deleted: the kernel counts from 0 in one made anew under the same key."""
        for destination_key in [one for one in self._last if one.service_key == key]:
            del self._last[destination_key]

    def count_closed(self, backend: BackendKey, reason: str, count: int) -> None:
        """Add connections that have ended for one of `REASONS`; nothing for a backend that is not tracked."""
        if backend in self.backends and count:
            for closed in (self.backends[backend].closed, self.services[backend.service].closed):
                closed[reason] = closed.get(reason, 0) + count

    def end_all(self) -> None:
        """Count whatever was still active as ended: nothing is left in the kernel. Publish the sums."""
        for key in self.backends:
            self._set_active(key, 0)
        self._publish()

    def _publish(self) -> None:
        self.published = Stats({name: replace(stats, closed=dict(stats.closed), rejected={})
                                for name, stats in self.services.items()},
                               {key: replace(stats, closed=dict(stats.closed)) for key, stats in self.backends.items()})

    def _growth(self, key: DestinationKey, found: ObservedDestination, now: float) -> Counters:
        last = self._last[key][1] if key in self._last else _inherited(found)
        self._last[key] = now, found.counters
        return _difference(last, found.counters)

    def _add(self, backend: BackendKey, growth: Counters) -> None:
        stats = self.backends[backend]
        stats.connections += growth.connections
        stats.bytes_received += growth.bytes_received
        stats.bytes_sent += growth.bytes_sent
        self.services[backend.service].accepted += growth.connections

    def _set_active(self, backend: BackendKey, active: int) -> None:
        """Count as ended what is neither active nor counted as closed.

        The few connections that are still connecting count as ended too early, by the length of a handshake.
        """
        stats = self.backends[backend]
        stats.active = active
        ended = stats.connections - active - sum(stats.closed.values())
        if ended > 0:
            self.count_closed(backend, ENDED, ended)


def _inherited(found: ObservedDestination) -> Counters:
    """What a destination had counted before this process: all but the connections that it still has."""
    # At most what was counted: another program can zero the kernel's counters (ipvsadm --zero).
    current = min(found.active, found.counters.connections)
    return replace(found.counters, connections=found.counters.connections - current)


def _difference(last: Counters, now: Counters) -> Counters:
    if now.connections < last.connections:  # the kernel has started again at 0
        return now
    return Counters(now.connections - last.connections, max(0, now.bytes_received - last.bytes_received),
                    max(0, now.bytes_sent - last.bytes_sent))
