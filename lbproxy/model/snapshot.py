"""The values that sources, table and dataplanes share. Frozen, without I/O or clock.

Sources publish `ServiceSpec`s, the table makes one `Snapshot` of them, a dataplane applies it.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.model.address import Address

MAX_WEIGHT = 100


class Scheduler(enum.StrEnum):
    """How a backend is chosen. The names are those of IPVS (ipvsadm(8))."""

    LC = "lc"
    WLC = "wlc"
    RR = "rr"
    WRR = "wrr"
    SH = "sh"
    MH = "mh"
    SED = "sed"
    NQ = "nq"


class State(enum.StrEnum):
    """Whether a backend gets new connections, the same for every dataplane."""

    ACTIVE = "active"
    """Takes new connections."""
    DRAINING = "draining"
    """Keeps its connections until they end or the deadline passes; gets no new ones."""
    DOWN = "down"
    """Gets no new connections while the reason holds; keeps those it has."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One backend as its source describes it. Ready, serving and terminating are the conditions of an EndpointSlice."""

    address: Address
    weight: int = 1
    """0 to 100; 0: it keeps its connections and gets no new ones."""
    is_ready: bool = True
    is_serving: bool = True
    is_terminating: bool = False
    spare_weight: int = 0
    """0 to 100: with a `weight` of 0, its weight while no other endpoint can be used. Those of other zones have one."""
    origin: str = field(default="", compare=False)
    """What names it, as its source writes it, such as `slice NAME` or `dns NAME`; empty: the configuration."""


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
    """How the connections of one service are treated. Durations are seconds; 0 means off only where it says so."""

    scheduler: Scheduler = Scheduler.WLC
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
    """One service as the sources describe it."""

    name: str
    listens: tuple[Address, ...]
    endpoints: tuple[Endpoint, ...]
    policy: Policy = field(default_factory=Policy)
    is_known: bool = True
    """False until its source has answered once: until then no endpoints does not mean that there are none."""
    changed_at: float | None = field(default=None, compare=False)
    """When its endpoints changed at their source, in seconds since 1970; None: not known."""


Services = Mapping[str, ServiceSpec]
"""The complete set, by name: a service that is absent is gone. An error of a source never makes it smaller."""


class BackendKey(NamedTuple):
    """Names one backend of one service. It outlives the backend, for as long as something is counted for it."""

    service: str
    address: Address


@dataclass(frozen=True, slots=True)
class Backend:
    """One backend with its state. `since`, `deadline` and `until` are seconds on the monotonic clock."""

    address: Address
    weight: int
    state: State
    reason: str
    """Why it has this state, in a few words: `ready`, `check failed: refused`, `removed`."""
    since: float
    is_open: bool = True
    """It gets new connections: it is ACTIVE, or the last resort while no backend is (see `control.drain`)."""
    deadline: float | None = None
    """When its remaining connections are reset; None: never."""
    is_dead: bool = False
    """Active checks count it as dead, so that waiting for it is useless. True only in the state DOWN."""
    until: float | None = None
    """When this state ends by itself: an ejection, or a drain that an operator ordered for a time."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service as a dataplane is to serve it."""

    name: str
    listens: tuple[Address, ...]
    policy: Policy
    backends: tuple[Backend, ...]
    is_known: bool = True
    """False: its backends are not learned yet. A dataplane that finds some of an earlier run keeps them."""
    changed_at: float | None = field(default=None, compare=False)
    """As in `ServiceSpec`, to measure how long a change took."""
    left_out: frozenset[Address] = frozenset()
    """Backends that are absent only to have their connections reset, as an operator's deadline wants it. They come back
    with the next snapshot, so whoever counts or checks them goes on where it was."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state, immutable. Unchanged services and backends are the same objects as before."""

    version: int
    services: Mapping[str, Service]
