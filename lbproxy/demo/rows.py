"""What the balancer tells of its backends, as the demo shows it: by name, and as rates. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lbproxy.admin.schema import BackendShape, StateShape

Names = Mapping[str, str]
"""What the demo calls a backend, by its address."""


@dataclass(frozen=True, slots=True)
class Row:
    """One backend at one moment."""

    name: str
    address: str
    state: str
    reason: str
    active: int
    requests: int
    """Connections for which the balancer chose it so far; each carries one request."""
    requests_per_second: float
    bytes_per_second: float
    """Both directions."""
    retries: int
    """Connections that the balancer gave to another backend, after this one had refused them."""

    @property
    def standing(self) -> str:
        """Its state, and the reason unless it goes without saying."""
        return self.state if self.state == "active" else f"{self.state} ({self.reason})"


class BackendReading(NamedTuple):
    """What the admin server said, and when (seconds of any clock)."""

    moment: float
    backends: Mapping[str, BackendShape]


def reading(moment: float, state: StateShape) -> BackendReading:
    """Find the backends in the admin server's answer, by address."""
    found = {one["address"]: one for service in state["services"] for one in service["backends"]}
    return BackendReading(moment, found)


def rows(names: Names, readings: Sequence[BackendReading]) -> tuple[Row, ...]:
    """Give the backends as in the last reading; rates are averages since the first. Absent ones are left out."""
    first, last = readings[0], readings[-1]
    seconds = last.moment - first.moment
    return tuple(_row(name, last.backends[address], first.backends.get(address), seconds)
                 for address, name in names.items() if address in last.backends)


def _row(name: str, now: BackendShape, before: BackendShape | None, seconds: float) -> Row:
    requests = now["connections_total"] - (before["connections_total"] if before else 0)
    moved = _bytes(now) - (_bytes(before) if before else 0)
    return Row(name, now["address"], now["state"], now["reason"], now["active"], now["connections_total"],
               _rate(requests, seconds), _rate(moved, seconds), now["retries_total"])


def _bytes(backend: BackendShape) -> int:
    return backend["bytes_received_total"] + backend["bytes_sent_total"]


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
