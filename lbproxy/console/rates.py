"""How fast totals grow between two answers of `/backends`. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from lbproxy.admin.shape import BackendShape, ServiceShape, StateShape

Key = tuple[str, str]
"""Service, and address of the backend."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Per second."""

    connections: float = 0.0
    bytes: float = 0.0


NONE = Rate()


def backends(state: StateShape) -> Iterator[tuple[ServiceShape, BackendShape]]:
    """Give every backend with its service."""
    for service in state["services"]:
        for backend in service["backends"]:
            yield service, backend


def rates(before: StateShape | None, after: StateShape, seconds: float) -> dict[Key, Rate]:
    """Give each backend's rates; those that were not there before have none yet."""
    if before is None or seconds <= 0:
        return {}
    old = {(service["name"], one["address"]): one for service, one in backends(before)}
    return {(service["name"], one["address"]): _rate(then, one, seconds) for service, one in backends(after)
            if (then := old.get((service["name"], one["address"])))}


def _rate(before: BackendShape, after: BackendShape, seconds: float) -> Rate:
    connections = after["connections_total"] - before["connections_total"]
    moved = _bytes(after) - _bytes(before)
    return Rate(max(0, connections) / seconds, max(0, moved) / seconds)


def _bytes(backend: BackendShape) -> int:
    return backend["bytes_received_total"] + backend["bytes_sent_total"]
