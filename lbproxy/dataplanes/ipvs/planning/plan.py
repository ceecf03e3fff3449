"""The steps from what the kernel holds to what it should hold. Pure.

Nothing is remembered between two plans: what a crash, a half-failed plan or another program has left is only
one more state to start from.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from lbproxy.dataplanes.ipvs.planning.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    SetDestination,
    SetService,
    SetTimeouts,
    Step,
)
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    ObservedDestination,
    ObservedService,
    ServiceKey,
    Timeouts,
    VirtualService,
)
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Snapshot

DEFAULT_TCP_TIMEOUT = 900
"""Seconds: the kernel's own (`tcp_timeouts` in net/netfilter/ipvs/ip_vs_proto_tcp.c)."""
LONGEST_TIMEOUT = 2_147_483
"""Seconds: the most that every kernel takes. It refuses what is above INT_MAX jiffies, and HZ is at most 1000."""

SortKey = Callable[[Address], Any]
"""Sorts destinations that are added.

Among equally loaded destinations the schedulers take the first of the kernel's list (`ip_vs_lc_schedule` replaces its
choice only by a strictly smaller one), which is the one added last (`__ip_vs_update_dest`). With one order everywhere,
the first connections of all replicas would go to the same backend: each process needs an order of its own.
"""


def plan(wanted: Mapping[ServiceKey, VirtualService], observed: Mapping[ServiceKey, ObservedService],
         own: AbstractSet[ServiceKey], sort_key: SortKey) -> Iterator[Step]:
    """Give the steps from `observed` to `wanted`. Observed services that are not in `own` are never touched.

    Services are added before others are deleted; for the order within one service see `_destination_steps`.
    """
    for key, service in wanted.items():
        if key not in observed:
            # Without destinations for a moment: a client is refused meanwhile, as it was before there was a service.
            yield AddService(key, service.scheduler)
            yield from _destination_steps(service, {}, sort_key)
        # What is wanted and another program's is left alone; `conflicts` has reported it.
        elif key in own:
            yield from _service_steps(service, observed[key])
            yield from _destination_steps(service, observed[key].destinations, sort_key)
    for key in observed:
        if key in own and key not in wanted:
            yield DeleteService(key)


def plan_timeouts(snapshot: Snapshot, observed: Timeouts) -> Iterator[Step]:
    """Give the step to the TCP timeout that the snapshot asks for, if any is needed; the other timeouts stay."""
    if observed.tcp != (tcp := tcp_timeout(snapshot)):
        yield SetTimeouts(Timeouts(tcp, 0, 0))


def tcp_timeout(snapshot: Snapshot) -> int:
    """Seconds of silence after which the kernel should forget a connection: the longest `idle_timeout` of any service.

    The kernel has one TCP timeout for all services of a network namespace. An idle timeout of 0, which is off, becomes
    the longest that there is. Conntrack's own timeout of five days does not matter: IPVS's entry is gone before.
    """
    timeouts = [service.policy.idle_timeout or LONGEST_TIMEOUT for service in snapshot.services.values()]
    # At least 1 and rounded up: the kernel takes whole seconds, and keeps what it has for 0.
    return min(max(1, math.ceil(max(timeouts))), LONGEST_TIMEOUT) if timeouts else DEFAULT_TCP_TIMEOUT


def conflicts(wanted: Mapping[ServiceKey, VirtualService], observed: Mapping[ServiceKey, ObservedService],
              own: AbstractSet[ServiceKey]) -> list[ServiceKey]:
    """Give the services that are wanted and that another program has made."""
    return [key for key in wanted if key in observed and key not in own]


def _service_steps(service: VirtualService, found: ObservedService) -> Iterator[Step]:
    if found.scheduler != service.scheduler or not found.is_plain:
        yield SetService(service.key, service.scheduler)


def _destination_steps(service: VirtualService, found: Mapping[Address, ObservedDestination],
                       sort_key: SortKey) -> Iterator[Step]:
    """Open some destinations before closing others: add, then raise weights, then lower them, then delete.

    IPVS refuses a client at once when no destination has a weight (ICMP port unreachable), so no step in between may
    leave a service without an open one that had one before and has one afterwards.
    """
    for address in sorted(service.destinations.keys() - found.keys(), key=sort_key):
        yield AddDestination(service.key, service.destinations[address])
    changed = [(destination, found[address]) for address, destination in service.destinations.items()
               if address in found and not _is_as_wanted(found[address], destination)]
    for destination, _ in sorted(changed, key=lambda pair: pair[0].weight < pair[1].destination.weight):
        yield SetDestination(service.key, destination)  # False sorts first: what is not lowered
    for address in found.keys() - service.destinations.keys():
        yield DeleteDestination(service.key, address)


def _is_as_wanted(found: ObservedDestination, destination: Destination) -> bool:
    return found.destination == destination and found.is_masquerading and not found.has_lower_threshold
