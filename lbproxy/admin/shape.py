"""The JSON of `/backends`: a contract with scripts and dashboards, so fields are added but never change.

Durations are seconds; `..._total` only grows for as long as lbproxy runs.
"""

from typing import TypedDict


class BackendShape(TypedDict):
    """One backend of one service."""

    address: str
    """`192.0.2.1:80` or `[2001:db8::1]:80`."""
    state: str
    """active, draining, down, or removed: then only its counts are left."""
    reason: str
    """Why it is in this state, in a few words."""
    for_seconds: float | None
    """How long it has been in this state; None for a removed one."""
    since: str | None
    """The same as a time of day, ISO 8601 in UTC, for display; the clock may have been set meanwhile."""
    is_open: bool
    """It is given new connections."""
    weight: int
    """0 to 100."""
    drain_seconds_left: float | None
    """After this, its remaining connections are reset; None unless it is draining towards a deadline."""
    active: int
    """Connections that it has now, established or connecting."""
    connections_total: int
    """Connections for which it was chosen."""
    bytes_received_total: int
    """From clients, towards the backend."""
    bytes_sent_total: int
    """From the backend, towards clients."""
    retries_total: int
    """Connections that went on to another backend after this one failed."""
    connect_failures_total: dict[str, int]
    """Failed attempts to connect, by reason; reasons that never occurred may be absent."""
    closed_total: dict[str, int]
    """Ended connections, by reason; likewise."""


class ServiceShape(TypedDict):
    """One service. Without listens and scheduler when it was removed and only its counts are left."""

    name: str
    listens: list[str]
    scheduler: str | None
    """As `--scheduler` takes it."""
    accepted_total: int
    """Client connections."""
    queued: int
    """Clients that wait now for a backend below max-conns."""
    rejected_total: dict[str, int]
    """Clients that got no backend, by reason."""
    closed_total: dict[str, int]
    """Relayed connections that ended, by reason, those of backends that are gone included."""
    backends: list[BackendShape]


class StateShape(TypedDict):
    """The whole answer."""

    version: int | None
    """Grows with each change of the table; None until the first one was applied."""
    time: str
    """When this was read, ISO 8601 in UTC."""
    services: list[ServiceShape]
