"""Everything that the demo shows at one moment, read from the admin server's answer. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lbproxy.admin.schema import BackendShape, StateShape
from lbproxy.model.address import Address

Names = Mapping[str, str]
"""The demo's name for each backend, by address."""


@dataclass(frozen=True, slots=True)
class DemoRow:
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
    """Both directions together."""
    retries: int
    """Connections that this backend refused, and that the balancer then gave to another one."""

    @property
    def status(self) -> str:
        """Its state, with the reason unless it is active."""
        return self.state if self.state == "active" else f"{self.state} ({self.reason})"


class DemoEvent(NamedTuple):
    """Something that happened, in one line."""

    moment: float
    """Seconds since the demo began."""
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """All that the demo shows at one moment."""

    listen: Address
    admin: Address
    moment: float
    """Seconds since the demo began."""
    rows: tuple[DemoRow, ...]
    answered: int
    failed: int
    events: tuple[DemoEvent, ...]
    """The last few, the latest at the end."""

    @property
    def url(self) -> str:
        """The URL of the balancer."""
        return f"http://{self.listen}/"


class Sample(NamedTuple):
    """What the admin server said about the backends at one moment."""

    moment: float
    """Seconds of any clock."""
    backends: Mapping[str, BackendShape]
    """By address."""


def read_sample(moment: float, state: StateShape) -> Sample:
    """Take the backends from the admin server's answer to /backends."""
    return Sample(moment, {one["address"]: one for service in state["services"] for one in service["backends"]})


def backend_rows(names: Names, samples: Sequence[Sample]) -> tuple[DemoRow, ...]:
    """Return the backends of the last sample, in the order of `names`; rates are averages since the first sample.

    A backend without a name, or absent from the last sample, is left out. There must be at least one sample.
    """
    first, last = samples[0], samples[-1]
    seconds = last.moment - first.moment
    return tuple(_row(name, last.backends[address], first.backends.get(address), seconds)
                 for address, name in names.items() if address in last.backends)


def _row(name: str, now: BackendShape, before: BackendShape | None, seconds: float) -> DemoRow:
    requests = now["connections_total"] - (before["connections_total"] if before else 0)
    moved = _bytes(now) - (_bytes(before) if before else 0)
    return DemoRow(name, now["address"], now["state"], now["reason"], now["active"], now["connections_total"],
                      _rate(requests, seconds), _rate(moved, seconds), now["retries_total"])


def _bytes(backend: BackendShape) -> int:
    return backend["bytes_received_total"] + backend["bytes_sent_total"]


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
