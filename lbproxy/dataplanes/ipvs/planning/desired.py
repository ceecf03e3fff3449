"""What IPVS should hold for a snapshot. Pure.

A listen address is a virtual service of its own; all addresses of a machine are one for each that it has. With marks, a
service is one virtual service per family, and its addresses only say which packets get its mark.
"""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lbproxy.dataplanes.ipvs.planning.loopback import loopback_conflict
from lbproxy.dataplanes.ipvs.planning.values import Destination, Key, Mark, ObservedService, VirtualService
from lbproxy.model.address import WILDCARDS, Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import Backend, Service, Snapshot


class DestinationKey(NamedTuple):
    """One destination's place: the virtual service that it is in, and its address."""

    key: Key
    address: Address


@dataclass(frozen=True, slots=True)
class Desired:
    """The virtual services, and the name of the service that each is for."""

    services: Mapping[Key, VirtualService] = field(default_factory=dict)
    names: Mapping[Key, str] = field(default_factory=dict)
    listens: Mapping[Key, Address] = field(default_factory=dict)
    """The listen address, as it was configured, that wants the virtual service: the first one that does."""
    marking: Mapping[Address, int] = field(default_factory=dict)

    def without(self, keys: Collection[Key]) -> "Desired":
        """Leave these out."""
        return replace(self, services={key: one for key, one in self.services.items() if key not in keys})

    def holders(self, snapshot: Snapshot) -> Iterator[tuple[DestinationKey, str]]:
        """Give whose each destination is; nobody's as long as its service's backends were not learned."""
        for key, service in self.services.items():
            if snapshot.services[self.names[key]].is_known:
                for address in service.destinations:
                    yield DestinationKey(key, address), self.names[key]


class VirtualAddress(NamedTuple):
    """One address of this machine at which a service takes clients."""

    service: Service
    listen: Address
    """As it was configured."""
    address: Address


def entrances(snapshot: Snapshot, local: AbstractSet[str]) -> Iterator[VirtualAddress]:
    """Give every address; `local` are those of this machine. Raises `BindError` if IPVS can't serve one."""
    for service in snapshot.services.values():
        for listen in service.listens:
            if conflict := loopback_conflict(listen, (backend.address for backend in service.backends)):
                raise BindError(conflict, listen)
            for address in expand(listen, local):
                yield VirtualAddress(service, listen, address)


def expand(listen: Address, local: AbstractSet[str]) -> Iterator[Address]:
    """Give the addresses that this one stands for: all of this machine's in its family, or itself."""
    if listen.host != WILDCARDS[listen.family]:
        yield listen
        return
    for host in sorted(local):
        address = Address(host, listen.port)
        if address.family == listen.family:
            yield address


def by_address(snapshot: Snapshot, local: AbstractSet[str]) -> Desired:
    """Give a virtual service per address. Raises `BindError`, see `entrances`."""
    services: dict[Key, VirtualService] = {}
    names: dict[Key, str] = {}
    listens: dict[Key, Address] = {}
    for service, listen, address in entrances(snapshot, local):
        if address not in services:
            services[address] = _virtual(address, service)
            names[address], listens[address] = service.name, listen
    return Desired(services, names, listens)


def by_mark(snapshot: Snapshot, local: AbstractSet[str], marks: Mapping[tuple[str, int], int]) -> Desired:
    """Give a virtual service per service and family. `marks` has the number of each (`marks.assign`)."""
    services: dict[Key, VirtualService] = {}
    names: dict[Key, str] = {}
    listens: dict[Key, Address] = {}
    marking: dict[Address, int] = {}
    for service, listen, address in entrances(snapshot, local):
        key = Mark(address.family, marks[service.name, address.family])
        services.setdefault(key, _virtual(key, service))
        names[key] = service.name
        listens.setdefault(key, listen)
        marking.setdefault(address, key.number)
    return Desired(services, names, listens, marking)


def keep_unknown(desired: Desired, snapshot: Snapshot, mine: Mapping[Key, ObservedService]) -> Desired:
    """Let services whose backends were not learned yet go on with those from an earlier life, untouched."""
    unlearned = {name for name, service in snapshot.services.items() if not service.is_known}
    kept = {key: VirtualService(key, mine[key].scheduler, {
                address: found.destination for address, found in mine[key].destinations.items()})
            for key, name in desired.names.items() if name in unlearned and key in mine}
    return replace(desired, services={**desired.services, **kept})


def _virtual(key: Key, service: Service) -> VirtualService:
    """Backends of the other family can't be reached: masquerading translates addresses, not families."""
    destinations = {backend.address: Destination(backend.address, _weight(backend), service.policy.max_conns)
                    for backend in service.backends if backend.address.family == key.family and not backend.is_dead}
    return VirtualService(key, service.policy.scheduler.value, destinations)


def _weight(backend: Backend) -> int:
    return backend.weight if backend.is_open else 0
