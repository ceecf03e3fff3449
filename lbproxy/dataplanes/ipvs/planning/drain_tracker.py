"""What is no longer wanted and still has connections: it gets no new ones, and stays until the last has ended.

A listen address that goes away, or that another service takes over, must not cut whom it has let in. Who has the right
to stay follows from the snapshot: a backend that has left its service loses its connections, and so does a dead one.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial

from lbproxy.dataplanes.ipvs.planning.desired import Desired, DestinationKey
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    Key,
    ObservedDestination,
    ObservedService,
    VirtualService,
)
from lbproxy.model.snapshot import BackendKey, Snapshot

SETTLING = 3.0
"""Seconds after closing in which an inactive connection may still become active: its SYN was lost and came again."""
PATIENCE = 60.0
"""Seconds that a stranger may stay, if no service says for how long backends drain."""

Table = dict[Key, VirtualService]


@dataclass(slots=True)
class DrainTracker:
    """Remembers since when each destination is closed. Times are seconds on the monotonic clock."""

    holders: dict[DestinationKey, str] = field(default_factory=dict)
    """The service that each destination was made for; a stranger, from before our start, has none."""
    _closed_since: dict[DestinationKey, float] = field(default_factory=dict)

    def keep(self, wanted: Mapping[Key, VirtualService], observed: Mapping[Key, ObservedService], snapshot: Snapshot,
             now: float) -> Table:
        """Add to what is wanted all that stays, closed. `observed` is ours alone."""
        table = dict(wanted)
        members = {BackendKey(service.name, backend.address) for service in snapshot.services.values()
                   for backend in service.backends if not backend.is_dead}
        may_stay = partial(self._may_stay, members, _patience(snapshot), now)
        for key, service in observed.items():
            base = table.get(key) or VirtualService(key, service.scheduler, {})
            staying = {address: Destination(address, 0) for address, found in service.destinations.items()
                       if address not in base.destinations and may_stay(DestinationKey(key, address), found)}
            if staying:
                table[key] = replace(base, destinations={**base.destinations, **staying})
        self._note(table, now)
        return table

    def adopt(self, desired: Desired, snapshot: Snapshot) -> None:
        """Take note of whose the destinations are, now that they are made; forget those that are gone."""
        self.holders = {**{spot: name for spot, name in self.holders.items() if spot in self._closed_since},
                        **dict(desired.holders(snapshot))}

    def unsettled(self, observed: Mapping[Key, ObservedService], now: float) -> set[BackendKey]:
        """Give the backends closed so lately that not all of their connections need be counted as active yet."""
        return {BackendKey(self.holders[spot], spot.address) for spot in self._closed_since
                if spot in self.holders and self._may_connect(spot, _at(observed, spot), now)}

    def _may_stay(self, members: AbstractSet[BackendKey], patience: float, now: float, spot: DestinationKey,
                  found: ObservedDestination) -> bool:
        holder = self.holders.get(spot)
        age = now - self._closed_since.get(spot, now)
        is_entitled = age < patience if holder is None else BackendKey(holder, spot.address) in members
        return is_entitled and (found.active > 0 or self._may_connect(spot, found, now))

    def _may_connect(self, spot: DestinationKey, found: ObservedDestination | None, now: float) -> bool:
        since = self._closed_since.get(spot, now)
        is_open_as_read = since == now
        return is_open_as_read or (found is not None and found.inactive > 0 and now - since < SETTLING)

    def _note(self, table: Table, now: float) -> None:
        self._closed_since = {
            spot: self._closed_since.get(spot, now)
            for key, service in table.items() for address, destination in service.destinations.items()
            if destination.weight == 0 and (spot := DestinationKey(key, address))}


def _at(observed: Mapping[Key, ObservedService], spot: DestinationKey) -> ObservedDestination | None:
    service = observed.get(spot.key)
    return service.destinations.get(spot.address) if service else None


def _patience(snapshot: Snapshot) -> float:
    return max((service.policy.drain_timeout for service in snapshot.services.values()), default=PATIENCE)
