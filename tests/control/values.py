"""Short words for the values that these tests are about."""

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, BackendKey, Endpoint, HealthPolicy, Policy, Services, ServiceSpec, Snapshot

LISTEN = Address("192.0.2.200", 80)
OTHER_LISTEN = Address("192.0.2.200", 81)


def at(number: int) -> Address:
    return Address(f"192.0.2.{number}", 80)


def key(number: int, service: str = "web") -> BackendKey:
    return BackendKey(service, at(number))


def ready(number: int, weight: int = 1) -> Endpoint:
    return Endpoint(at(number), weight)


def not_ready(number: int) -> Endpoint:
    return Endpoint(at(number), is_ready=False, is_serving=False)


def terminating(number: int, *, is_serving: bool = True) -> Endpoint:
    return Endpoint(at(number), is_ready=False, is_serving=is_serving, is_terminating=True)


def web(*endpoints: Endpoint | int, name: str = "web", listens: tuple[Address, ...] = (LISTEN,),
        drain_timeout: float = 60.0) -> ServiceSpec:
    """One service; a number stands for a backend that is ready."""
    told = tuple(ready(one) if isinstance(one, int) else one for one in endpoints)
    return ServiceSpec(name, listens, told, Policy(drain_timeout=drain_timeout, health=HealthPolicy(interval=0)))


def services(*specs: ServiceSpec) -> Services:
    return {spec.name: spec for spec in specs}


def backends(snapshot: Snapshot, service: str = "web") -> dict[Address, Backend]:
    """The backends of a service that the snapshot has; none if it lacks the service."""
    found = snapshot.services.get(service)
    return {backend.address: backend for backend in found.backends} if found else {}


def backend(snapshot: Snapshot, number: int, service: str = "web") -> Backend:
    return backends(snapshot, service)[at(number)]


def numbers(snapshot: Snapshot, service: str = "web") -> list[int]:
    """Which backends of a service the snapshot has."""
    return [number for number in range(1, 200) if at(number) in backends(snapshot, service)]


def open_numbers(snapshot: Snapshot, service: str = "web") -> list[int]:
    """Which of them get new connections."""
    return [number for number in numbers(snapshot, service) if backend(snapshot, number, service).is_open]
