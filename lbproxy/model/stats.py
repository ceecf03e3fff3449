"""What a dataplane has counted, in the same words for every dataplane. Read by the admin server and the table.

Everything but the gauges (`active`, `queued`, `descriptors`, `descriptor_limit`, `is_paused`) only grows, over restarts
of workers too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.model.address import Address
from lbproxy.model.snapshot import BackendKey


@dataclass(slots=True)
class Histogram:
    """Counts of durations, in seconds: one per bound, and one more for what is longer than every bound."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0
    """Sum of all durations, seconds."""


@dataclass(slots=True)
class ServiceStats:
    """One service's clients."""

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
    """One backend's connections."""

    active: int = 0
    """Held now, established and connecting alike."""
    is_settled: bool = True
    """False for a moment after a backend was closed, where connections that it was given may not be counted yet."""
    connections: int = 0
    """Attempts: connections that chose it."""
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
    """One worker process; a dataplane without any has none."""

    index: int
    """Its place, which its replacement takes over."""
    pid: int | None
    """None while it is being replaced."""
    heartbeat_age: float
    """Seconds since it last answered."""
    descriptors: int
    is_paused: bool
    """It accepts nothing for want of descriptors."""
    accept_pauses: int
    accept_errors: int
    descriptor_limit: int = 0
    """What connections may use of them; then accepting pauses."""
    cpu_seconds: float = 0.0


class Score(NamedTuple):
    """One backend in one scheduler's eyes."""

    score: float | None
    """The least is chosen; None: it is not to be chosen."""
    active: int
    """Connections that this scheduler has given it, established and connecting."""
    is_full: bool
    """It has `max_conns`."""


class SchedulerChoice(NamedTuple):
    """Whom one scheduler would choose next for a service; each worker has its own."""

    worker: int
    next: Address | None
    scores: Mapping[Address, Score]
    oldest_seconds: Mapping[Address, float]
    """Age of the oldest connection of each backend that was asked for and has any."""


@dataclass(slots=True)
class Stats:
    """The counters, each read when it is looked at."""

    services: Mapping[str, ServiceStats]
    backends: Mapping[BackendKey, BackendStats]
    """Every backend that the dataplane still knows: those that were removed stay until their last connection ended."""
    workers: tuple[WorkerStats, ...] = ()
    worker_restarts: int = 0
