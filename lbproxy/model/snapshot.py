"""The words that sources, table and dataplanes share: frozen values, no I/O, no clock.

A source says `ServiceSpec`s, the table turns them into one `Snapshot`, a dataplane applies it.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.model.address import Address

MAX_WEIGHT = 100


class Scheduler(enum.StrEnum):
    """How a backend is chosen; the names are IPVS's."""

    LC = "lc"
    WLC = "wlc"
    RR = "rr"
    WRR = "wrr"
    SH = "sh"
    MH = "mh"
    SED = "sed"
    NQ = "nq"


class State(enum.StrEnum):
    """What a backend may be given. The same for every dataplane."""

    ACTIVE = "active"
    """Takes new connections."""
    DRAINING = "draining"
    """Keeps its connections until they end or the deadline passes; gets no new ones."""
    DOWN = "down"
    """Gets no new connections for as long as the reason holds; keeps what it has."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One backend as a source knows it (facts about it, no judgement)."""

    address: Address
    weight: int = 1
    """0 to 100; 0 keeps connections and takes no new ones."""
    is_ready: bool = True
    is_serving: bool = True
    is_terminating: bool = False
    origin: str = field(default="", compare=False)
    """Who says so: a slice of Kubernetes, as `slice NAME`; empty: the configuration."""


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """Active checks: one TCP connect each `interval`; 0 turns them off. Seconds."""

    interval: float = 2.0
    timeout: float = 2.0
    rise: int = 2
    """Successes in a row after which a failed backend is used again."""
    fall: int = 2
    """Failures in a row after which a backend is no longer used."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How one service's connections are treated. Durations are seconds; 0 means off where it says so."""

    scheduler: Scheduler = Scheduler.LC
    max_conns: int = 0
    """Connections per backend, over all workers; 0 = no limit."""
    queue: int = 1024
    """Clients that may wait for a place below `max_conns`; per worker."""
    queue_timeout: float = 5.0
    connect_timeout: float = 2.0
    connect_retries: int = 2
    idle_timeout: float = 3600.0
    """0 = off."""
    half_close_timeout: float = 60.0
    drain_timeout: float = 60.0
    health: HealthPolicy = field(default_factory=HealthPolicy)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service as a source says it."""

    name: str
    listens: tuple[Address, ...]
    endpoints: tuple[Endpoint, ...]
    policy: Policy = field(default_factory=Policy)
    is_known: bool = True
    """False while nobody has ever said which endpoints it has: that there are none says nothing then."""
    changed_at: float | None = field(default=None, compare=False)
    """When its endpoints changed where they come from: seconds since 1970."""


Services = Mapping[str, ServiceSpec]
"""The complete set, by name: what is absent is gone."""


class BackendKey(NamedTuple):
    """Names one backend of one service, for as long as anybody counts something for it."""

    service: str
    address: Address


@dataclass(frozen=True, slots=True)
class Backend:
    """One backend as the table judges it. `since`, `deadline` and `until` are on the loop's monotonic clock."""

    address: Address
    weight: int
    state: State
    reason: str
    """Why it is in this state, in a few words: `ready`, `check failed: refused`, `removed`."""
    since: float
    is_open: bool = True
    """It is given new connections: ACTIVE with a weight above 0, or the last resort when nothing else is left."""
    deadline: float | None = None
    """When a DRAINING backend's remaining connections are reset."""
    is_dead: bool = False
    """Active checks hold it for dead: who waits for it would wait in vain. Only ever true of one that is DOWN."""
    until: float | None = None
    """When this state ends by itself: an ejection, or a drain that an operator ordered for a time."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service as a dataplane is to run it."""

    name: str
    listens: tuple[Address, ...]
    policy: Policy
    backends: tuple[Backend, ...]
    is_known: bool = True
    """False: its backends were not learned yet; a dataplane that finds some from an earlier life keeps them."""
    changed_at: float | None = field(default=None, compare=False)
    """As in `ServiceSpec`; for measuring how long it took from there to here."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state, immutable. Unchanged services and backends are the same objects as before."""

    version: int
    services: Mapping[str, Service]
