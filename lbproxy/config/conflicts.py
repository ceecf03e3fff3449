"""Values that are valid alone and contradict each other, such as two services on one address or with one name."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from lbproxy.config.effective import Config
from lbproxy.config.services import ServiceConfig
from lbproxy.config.source_map import Problem
from lbproxy.model.address import WILDCARDS, Address


def conflicts(config: Config) -> Iterator[Problem]:
    """Yield every contradiction, at the later of its two places in the file."""
    yield from _same_names(config)
    yield from _same_listens(config)
    for index, service in enumerate(config.services):
        yield from _bad_backends(service, index)
        if service.kubernetes and service.backends:
            yield Problem(("services", index, "kubernetes"), "names a Service, and backends: lists addresses; "
                                                             "remove one of the two")


def _same_names(config: Config) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, service in enumerate(config.services):
        if first.setdefault(service.name, index) != index:
            yield Problem(("services", index, "name"),
                          f"{service.name} is the name of services[{first[service.name]}] too; write another name")


def _same_listens(config: Config) -> Iterator[Problem]:
    taken = _Taken()
    if config.admin_address:
        # First, so that a service which wants the same address is the one that is reported.
        taken.add(config.admin_address, f"the admin server ({config.admin_address})")
    for index, service in enumerate(config.services):
        for place, address in enumerate(service.listen):
            if holder := taken.holder(address):
                yield Problem(("services", index, "listen", place),
                              f"{address} is taken by {holder}; write another address or port")
            taken.add(address, f"service {service.name} ({address})")


def _bad_backends(service: ServiceConfig, index: int) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, backend in enumerate(service.backends):
        path = ("services", index, "backends", place)
        if backend.place in seen:
            yield Problem(path, f"{backend.place} is given twice; remove one")
        if backend.address and _is_own(backend.address, service):
            yield Problem(path, f"{backend.address} is where this service listens; write another address")
        seen.add(backend.place)


def _is_own(backend: Address, service: ServiceConfig) -> bool:
    # A backend at our own address would connect us to ourselves, until descriptors run out.
    wildcard = Address(WILDCARDS[backend.family], backend.port)
    return backend in service.listen or (backend.is_loopback and wildcard in service.listen)


@dataclass(slots=True)
class _Taken:
    """Which address is taken, and by what. IPv4 and IPv6 never conflict: listeners on [::] are IPv6 only."""

    hosts: dict[tuple[socket.AddressFamily, int], dict[str, str]] = field(default_factory=dict)

    def holder(self, address: Address) -> str | None:
        """Return what has this address, or one that overlaps; None if it is free. Port 0 is a new port each time."""
        hosts = self.hosts.get((address.family, address.port), {}) if address.port else {}
        wildcard = WILDCARDS[address.family]
        if address.host == wildcard:
            return next(iter(hosts.values()), None)
        # A wildcard takes every address at its port (bind() would say EADDRINUSE).
        return hosts.get(address.host) or hosts.get(wildcard)

    def add(self, address: Address, holder: str) -> None:
        """Note what has it; the first holder stays."""
        self.hosts.setdefault((address.family, address.port), {}).setdefault(address.host, holder)
