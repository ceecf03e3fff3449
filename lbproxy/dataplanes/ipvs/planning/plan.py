"""The steps from what the kernel holds to what it should hold. Pure.

Nothing is remembered: what a crash, a half-failed batch or somebody's `ipvsadm` has left is only one more state to
start from. Within a virtual service, backends open before others close, so that there is no moment without one.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from lbproxy.dataplanes.ipvs.planning.values import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Destination,
    Key,
    ObservedDestination,
    ObservedService,
    Op,
    SetDestination,
    SetService,
    SetTimeouts,
    Timeouts,
    VirtualService,
)
from lbproxy.model.address import Address

Order = Callable[[Address], Any]
"""Sorts newcomers. The schedulers take the first of equals, so every process should have another order (facts 3.7)."""


def plan(wanted: Mapping[Key, VirtualService], observed: Mapping[Key, ObservedService], ours: AbstractSet[Key],
         order: Order) -> Iterator[Op]:
    """Give the steps. What is observed and not in `ours` is somebody else's, and never touched."""
    for key, service in wanted.items():
        if key not in observed:
            yield AddService(key, service.scheduler)
            yield from _members(service, {}, order)
        elif key in ours:
            yield from _repair(service, observed[key])
            yield from _members(service, observed[key].destinations, order)
    for key in observed:
        if key in ours and key not in wanted:
            yield DeleteService(key)


def plan_timeouts(tcp: int, observed: Timeouts) -> Iterator[Op]:
    """Give the step to the wanted TCP timeout (seconds); the others stay."""
    if observed.tcp != tcp:
        yield SetTimeouts(Timeouts(tcp, 0, 0))


def conflicts(wanted: Mapping[Key, VirtualService], observed: Mapping[Key, ObservedService],
              ours: AbstractSet[Key]) -> list[Key]:
    """Give what we want to make and somebody else has made."""
    return [key for key in wanted if key in observed and key not in ours]


def _repair(service: VirtualService, found: ObservedService) -> Iterator[Op]:
    if found.scheduler != service.scheduler or not found.is_plain:
        yield SetService(service.key, service.scheduler)


def _members(service: VirtualService, found: Mapping[Address, ObservedDestination], order: Order) -> Iterator[Op]:
    for address in sorted(service.destinations.keys() - found.keys(), key=order):
        yield AddDestination(service.key, service.destinations[address])
    changed = [(destination, found[address]) for address, destination in service.destinations.items()
               if address in found and not _is_as_wanted(found[address], destination)]
    for destination, _ in sorted(changed, key=lambda pair: pair[0].weight < pair[1].destination.weight):
        yield SetDestination(service.key, destination)
    for address in found.keys() - service.destinations.keys():
        yield DeleteDestination(service.key, address)


def _is_as_wanted(found: ObservedDestination, destination: Destination) -> bool:
    return found.destination == destination and found.is_masquerading and not found.has_foreign_limit
