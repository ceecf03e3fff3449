"""What should be (the snapshot) beside what was counted (the stats), by name. Pure.

Either side may know something that the other does not: counts outlive membership, and a new backend has none yet.
"""

from collections.abc import Iterable
from typing import NamedTuple

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, BackendKey, Service, Snapshot
from lbproxy.model.stats import BackendStats, ServiceStats, Stats


class BackendRow(NamedTuple):
    """One backend; `backend` is None when only its counts are left."""

    address: Address
    backend: Backend | None
    stats: BackendStats


class ServiceRow(NamedTuple):
    """One service; `service` is None when only its counts are left."""

    name: str
    service: Service | None
    stats: ServiceStats
    backends: tuple[BackendRow, ...]


def join(snapshot: Snapshot | None, stats: Stats) -> tuple[ServiceRow, ...]:
    """Give every service and backend that either side knows; those of the snapshot come first, in its order."""
    services = snapshot.services if snapshot else {}
    gone = _gone(services.values(), stats)
    return tuple(
        ServiceRow(name, services.get(name), stats.services.get(name) or ServiceStats(),
                   (*_listed(services.get(name), stats), *gone.get(name, ())))
        for name in dict.fromkeys((*services, *stats.services, *gone)))


def _listed(service: Service | None, stats: Stats) -> Iterable[BackendRow]:
    for backend in service.backends if service else ():
        counted = stats.backends.get(BackendKey(service.name, backend.address)) if service else None
        yield BackendRow(backend.address, backend, counted or BackendStats())


def _gone(services: Iterable[Service], stats: Stats) -> dict[str, list[BackendRow]]:
    listed = {BackendKey(service.name, backend.address) for service in services for backend in service.backends}
    gone: dict[str, list[BackendRow]] = {}
    for key, counted in stats.backends.items():
        if key not in listed:
            gone.setdefault(key.service, []).append(BackendRow(key.address, None, counted))
    return gone
