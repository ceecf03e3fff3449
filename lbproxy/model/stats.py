"""What a dataplane has counted, with the same names for every dataplane. The admin server and the table read it.

Except for the gauges (`active`, `queued`, `descriptors`, `descriptor_limit`, `is_paused`) every number only grows, also
when a worker is replaced: Prometheus would take a smaller one for a restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.model.address import Address
from lbproxy.model.snapshot import BackendKey


# Not frozen as the other values: the IPVS dataplane counts in them.
@dataclass(slots=True)
class Histogram:
    """Counts of durations, in seconds: one per bound, and one more for what is longer than every bound."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0
    """Sum of all durations, seconds."""


@dataclass(slots=True)
class ServiceStats:
    """Counts of one service's clients."""

    accepted: int = 0
    queued: int = 0
    """Clients that wait now for a place below `max_conns`."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Clients that got no backend, by reason; all reasons that the dataplane knows, with 0 too."""
    closed: dict[str, int] = field(default_factory=dict)
    """Ended connections by reason, those of backends that are gone included."""
    connect_seconds: Histogram | None = None
    duration_seconds: Histogram | None = None


@dataclass(slots=True)
class BackendStats:
    """Counts of one backend's connections."""

    active: int = 0
    """Open now, whether established or connecting."""
    is_settled: bool = True
    """False for a moment after a backend was closed to new connections, while some may not be counted yet."""
    connections: int = 0
    """Connections for which it was chosen, whether or not it accepted them."""
    bytes_received: int = 0
    """From clients, towards the backend."""
    bytes_sent: int = 0
    """From the backend, towards clients."""
    retries: int = 0
    """Connections that went on to another backend after this one failed."""
    failures: dict[str, int] = field(default_factory=dict)
    """Connect failures by reason."""
    closed: dict[str, int] = field(default_factory=dict)
    """Ended connections by reason."""


@dataclass(slots=True)
class WorkerStats:
    """One worker process. A dataplane without workers has none of these."""

    index: int
    """Its number, which its replacement keeps."""
    pid: int | None
    """None while it is being replaced."""
    heartbeat_age: float
    """Seconds since it last answered."""
    descriptors: int
    is_paused: bool
    """It accepts no client because descriptors ran out."""
    accept_pauses: int
    accept_errors: int
    descriptor_limit: int = 0
    """Descriptors that connections may use; at this number accepting pauses."""
    cpu_seconds: float = 0.0
    is_copying: bool = False
    """It copies bulk, because the kernel refuses splice."""
    is_listening: bool = True
    """It has done all that it was told at its start, so it has every listening socket."""


class Score(NamedTuple):
    """How one scheduler rates one backend."""

    score: float | None
    """The backend with the lowest is chosen; None: it can't be chosen."""
    active: int
    """Connections that this scheduler has given it, established and connecting."""
    is_full: bool
    """It has `max_conns`."""


class SchedulerChoice(NamedTuple):
    """Which backend one scheduler would choose next for a service. Each worker has a scheduler of its own."""

    worker: int
    next: Address | None
    scores: Mapping[Address, Score]
    oldest_seconds: Mapping[Address, float]
    """Age of the oldest connection, for each backend that was asked for and has connections."""


@dataclass(slots=True)
class Stats:
    """The counters, each read when it is looked at."""

    services: Mapping[str, ServiceStats]
    backends: Mapping[BackendKey, BackendStats]
    """Every backend that the dataplane still knows. Removed ones stay until their last connection has ended."""
    workers: tuple[WorkerStats, ...] = ()
    worker_restarts: int = 0
