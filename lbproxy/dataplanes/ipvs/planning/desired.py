"""What IPVS should hold for a snapshot. Pure.

By address, each listen address is a virtual service, and a wildcard is one for each address of this machine. By mark, a
service is one virtual service per family, and its addresses only say which packets get its mark. By address is the
default, since by mark a new connection costs 9 % more (bench/NOTES.md).
"""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lbproxy.dataplanes.ipvs.planning.loopback import loopback_conflict
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    DestinationKey,
    Mark,
    ObservedService,
    ServiceKey,
    VirtualService,
)
from lbproxy.model.address import WILDCARDS, Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import Backend, Service, Snapshot


@dataclass(frozen=True, slots=True)
class Desired:
    """The virtual services, and the name of the lbproxy service that owns each."""

    services: Mapping[ServiceKey, VirtualService] = field(default_factory=dict)
    owners: Mapping[ServiceKey, str] = field(default_factory=dict)
    listens: Mapping[ServiceKey, Address] = field(default_factory=dict)
    """The configured listen address that wants the virtual service: the first one if there are several."""
    marking: Mapping[Address, int] = field(default_factory=dict)
    """As in `Ruleset`."""

    def without(self, keys: Collection[ServiceKey]) -> "Desired":
        """Leave these virtual services out."""
        return replace(self, services={key: one for key, one in self.services.items() if key not in keys})

    def destination_owners(self, snapshot: Snapshot) -> Iterator[tuple[DestinationKey, str]]:
        """Give the owner of each destination; none for a service whose backends were not learned yet.

        What such a service has was made by an earlier process, and need not belong to it.
        """
        for key, service in self.services.items():
            if snapshot.services[self.owners[key]].is_known:
                for address in service.destinations:
                    yield DestinationKey(key, address), self.owners[key]


class VirtualAddress(NamedTuple):
    """One address of this machine at which a service takes connections."""

    service: Service
    listen: Address
    """As it was configured."""
    address: Address


def virtual_addresses(snapshot: Snapshot, local_hosts: AbstractSet[str]) -> Iterator[VirtualAddress]:
    """Give every address; `local_hosts` are this machine's. Raises `BindError` if IPVS can't serve one."""
    for service in snapshot.services.values():
        for listen in service.listens:
            if conflict := loopback_conflict(listen, (backend.address for backend in service.backends)):
                raise BindError(conflict, listen)
            for address in expand(listen, local_hosts):
                yield VirtualAddress(service, listen, address)


def expand(listen: Address, local_hosts: AbstractSet[str]) -> Iterator[Address]:
    """Give the addresses that a listen address stands for: itself, or all of its family on this machine if a wildcard.

    IPVS itself knows no wildcard address.
    """
    if listen.host != WILDCARDS[listen.family]:
        yield listen
        return
    # Sorted, so that equal states make equal plans.
    for host in sorted(local_hosts):
        address = Address(host, listen.port)
        if address.family == listen.family:
            yield address


def by_address(snapshot: Snapshot, local_hosts: AbstractSet[str]) -> Desired:
    """Give a virtual service per address. Raises `BindError`, see `virtual_addresses`."""
    services: dict[ServiceKey, VirtualService] = {}
    owners: dict[ServiceKey, str] = {}
    listens: dict[ServiceKey, Address] = {}
    for service, listen, address in virtual_addresses(snapshot, local_hosts):
        if address not in services:
            services[address] = _virtual_service(address, service)
            owners[address], listens[address] = service.name, listen
    return Desired(services, owners, listens)


def by_mark(snapshot: Snapshot, local_hosts: AbstractSet[str], marks: Mapping[tuple[str, int], int]) -> Desired:
    """Give a virtual service per service and family, with the mark number of each (`assign_marks`).

    Raises `BindError`, see `virtual_addresses`.
    """
    services: dict[ServiceKey, VirtualService] = {}
    owners: dict[ServiceKey, str] = {}
    listens: dict[ServiceKey, Address] = {}
    marking: dict[Address, int] = {}
    for service, listen, address in virtual_addresses(snapshot, local_hosts):
        key = Mark(address.family, marks[service.name, address.family])
        services.setdefault(key, _virtual_service(key, service))
        owners[key] = service.name
        listens.setdefault(key, listen)
        marking.setdefault(address, key.number)
    return Desired(services, owners, listens, marking)


def keep_unlearned(desired: Desired, snapshot: Snapshot, own: Mapping[ServiceKey, ObservedService]) -> Desired:
    """Leave virtual services of an earlier process as they are while their backends were not learned yet.

    After a restart, the API server may be away: what the kernel has is the best that is known.
    """
    unlearned = {name for name, service in snapshot.services.items() if not service.is_known}
    kept = {key: VirtualService(key, own[key].scheduler, {
                address: found.destination for address, found in own[key].destinations.items()})
            for key, name in desired.owners.items() if name in unlearned and key in own}
    return replace(desired, services={**desired.services, **kept})


def _virtual_service(key: ServiceKey, service: Service) -> VirtualService:
    """Take the backends of its family only: masquerading translates addresses, not families.

    A dead backend is left out, not given the weight 0: deleting it resets its clients, which would wait in vain.
    """
    destinations = {backend.address: Destination(backend.address, _weight(backend), service.policy.max_conns)
                    for backend in service.backends if backend.address.family == key.family and not backend.is_dead}
    return VirtualService(key, service.policy.scheduler.value, destinations)


def _weight(backend: Backend) -> int:
    # IPVS's way to drain: with weight 0 it keeps its connections and is given no new ones.
    return backend.weight if backend.is_open else 0
