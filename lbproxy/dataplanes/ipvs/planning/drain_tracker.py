"""Destinations that are no longer wanted stay until their last connection ends, and get no new ones.

A listen address that goes away, or that another service takes over, must not cut the connections it has accepted.
Whether a destination may stay follows from the snapshot: a backend that is absent from its service, or dead, loses its
connections.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial

from lbproxy.dataplanes.ipvs.planning.desired import Desired
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    DestinationKey,
    ObservedDestination,
    ObservedService,
    ServiceKey,
    VirtualService,
    observed_destinations,
)
from lbproxy.model.snapshot import BackendKey, Snapshot

SETTLE_TIME = 3.0
"""Seconds after closing in which an inactive connection may still become active.

The handshake may be under way, and a lost SYN is sent again 1 s and 3 s after the first (RFC 6298). Only `active` is
waited for afterwards: connections that have ended stay inactive for up to 120 s, and a drain that waits for those too
never ends on a busy service.
"""
UNOWNED_TIMEOUT = 60.0
"""Seconds for which an unowned destination may drain, if no service says for how long backends do."""


@dataclass(slots=True)
class DrainTracker:
    """Remembers how long each destination has been closed. Times are seconds on the monotonic clock."""

    owners: dict[DestinationKey, str] = field(default_factory=dict)
    """The lbproxy service that each destination was made for. One that an earlier process has made has no owner, until
    a snapshot wants it."""
    _closed_since: dict[DestinationKey, float] = field(default_factory=dict)

    def add_draining(self, wanted: Mapping[ServiceKey, VirtualService], observed: Mapping[ServiceKey, ObservedService],
                     snapshot: Snapshot, now: float) -> dict[ServiceKey, VirtualService]:
        """Give what is wanted and, with weight 0, all that may drain. `observed` are our own services only."""
        services = dict(wanted)
        members = {BackendKey(service.name, backend.address) for service in snapshot.services.values()
                   for backend in service.backends if not backend.is_dead}
        may_stay = partial(self._may_stay, members, _unowned_timeout(snapshot), now)
        for key, service in observed.items():
            base = services.get(key) or VirtualService(key, service.scheduler, {})
            staying = {address: Destination(address, 0) for address, found in service.destinations.items()
                       # Weight 0 and no limit: it gets no connection that a limit could refuse.
                       if address not in base.destinations and may_stay(DestinationKey(key, address), found)}
            if staying:
                services[key] = replace(base, destinations={**base.destinations, **staying})
        self._note_closed(services, now)
        return services

    def set_owners(self, desired: Desired, snapshot: Snapshot) -> None:
        """Note the owners of the destinations that are wanted now; forget those of destinations that are gone."""
        self.owners = {**{key: name for key, name in self.owners.items() if key in self._closed_since},
                       **dict(desired.destination_owners(snapshot))}

    def unsettled(self, observed: Mapping[ServiceKey, ObservedService], now: float) -> set[BackendKey]:
        """Give the backends that were closed so lately that not all their connections need be counted as active yet."""
        found = dict(observed_destinations(observed))
        return {BackendKey(self.owners[key], key.address) for key in self._closed_since
                if key in self.owners and self._may_get_active(key, found.get(key), now)}

    def _may_stay(self, members: AbstractSet[BackendKey], unowned_timeout: float, now: float, key: DestinationKey,
                  found: ObservedDestination) -> bool:
        owner = self.owners.get(key)
        age = now - self._closed_since.get(key, now)
        # Without an owner no snapshot ever says that its time is over, so it needs a limit of its own.
        is_allowed = age < unowned_timeout if owner is None else BackendKey(owner, key.address) in members
        return is_allowed and (found.active > 0 or self._may_get_active(key, found, now))

    def _may_get_active(self, key: DestinationKey, found: ObservedDestination | None, now: float) -> bool:
        since = self._closed_since.get(key, now)
        was_open_when_read = since == now  # it is closed after the reading, and may have got connections in between
        return was_open_when_read or (found is not None and found.inactive > 0 and now - since < SETTLE_TIME)

    def _note_closed(self, services: Mapping[ServiceKey, VirtualService], now: float) -> None:
        self._closed_since = {
            key: self._closed_since.get(key, now)
            for service_key, service in services.items() for address, destination in service.destinations.items()
            # Also those that a snapshot wants with weight 0: their connections settle in the same way.
            if destination.weight == 0 and (key := DestinationKey(service_key, address))}


def _unowned_timeout(snapshot: Snapshot) -> float:
    return max((service.policy.drain_timeout for service in snapshot.services.values()), default=UNOWNED_TIMEOUT)
