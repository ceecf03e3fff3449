"""The JSON that the admin server answers with, as types: a contract with scripts, dashboards and the page. Pure.

Fields are added but never renamed or removed. Durations are seconds; `..._total` only grows for as long as lbproxy
runs; what does not apply or is not known is null.
"""

from datetime import datetime

from typing_extensions import TypedDict  # pydantic can't describe typing.TypedDict before Python 3.12


class BackendShape(TypedDict):
    """One backend of one service."""

    address: str
    """`192.0.2.1:80` or `[2001:db8::1]:80`."""
    state: str
    """active, draining, down, or removed, when only its counters are left."""
    reason: str
    """Why it is in this state, in a few words."""
    for_seconds: float | None
    """How long it has been in this state; null for a removed one."""
    since: str | None
    """The same as a time of day, ISO 8601 in UTC, for display: wrong if the clock was set meanwhile."""
    is_open: bool
    """Whether it gets new connections."""
    weight: int
    """0 to 100."""
    drain_seconds_left: float | None
    """Seconds until its remaining connections are reset; null unless it drains with a deadline."""
    state_seconds_left: float | None
    """Seconds until the state ends by itself (an ejection, an operator's drain); null if it does not."""
    is_drained_by_operator: bool
    """Whether an operator's drain is in force for it."""
    active: int
    """Open connections, established or connecting."""
    connections_total: int
    """Connections for which it was chosen."""
    bytes_received_total: int
    """From clients, towards the backend."""
    bytes_sent_total: int
    """From the backend, towards clients."""
    retries_total: int
    """Connections that were retried with another backend after this one failed."""
    connect_failures_total: dict[str, int]
    """Failed attempts to connect, by reason; reasons that never occurred may be absent."""
    closed_total: dict[str, int]
    """Ended connections, by reason; reasons that never occurred may be absent."""


class ServiceShape(TypedDict):
    """One service. `listens` is empty and `scheduler` null when it was removed and only its counters are left."""

    name: str
    listens: list[str]
    scheduler: str | None
    """As `--scheduler` takes it."""
    max_conns: int | None
    """Connections that each backend may have; 0 is no limit."""
    accepted_total: int
    """Client connections accepted."""
    queued: int
    """Clients that are waiting for a backend below max-conns."""
    rejected_total: dict[str, int]
    """Clients that got no backend, by reason."""
    closed_total: dict[str, int]
    """Relayed connections that ended, by reason, those of removed backends included."""
    backends: list[BackendShape]


class WorkerShape(TypedDict):
    """One worker process. A dataplane in the kernel has none."""

    index: int
    pid: int | None
    """Null while it is being replaced."""
    is_listening: bool
    """False until it has every listening socket after its start."""
    heartbeat_age_seconds: float
    descriptors: int
    """File descriptors that it uses for connections."""
    is_paused: bool
    """Whether it accepts no clients because descriptors are short."""


class ProgramShape(TypedDict):
    """The running program, and whether it is ready and healthy."""

    version: str
    dataplane: str
    """Its name, as `--dataplane` has it."""
    pid: int
    uptime_seconds: float
    not_ready: str | None
    """Every reason why new clients should be sent elsewhere, as one line; null if they should come."""
    not_healthy: str | None
    """Why this process should be restarted; null if it should not."""
    trouble: str
    """Why the dataplane does not do what the table says; empty while it does."""
    configuration_refused: str | None
    """Why the configuration file, as it is now, is not in force; null while it is."""
    workers: list[WorkerShape]
    worker_restarts_total: int


class StateShape(TypedDict):
    """The answer of `/backends`."""

    version: int | None
    """Grows with each change of the table; null until the first snapshot was applied."""
    time: str
    """When this was read, ISO 8601 in UTC."""
    program: ProgramShape
    services: list[ServiceShape]


class CauseShape(TypedDict):
    """One cause of the chain. lbproxy applies them in the order in which they are listed."""

    about: str
    """source, operator, checks, ejection, weight, connections or scheduler."""
    says: str
    """The cause, as one sentence for people; its words may change."""
    is_decisive: bool
    """Whether this cause decides if the backend gets connections. Exactly one does."""


class EndpointShape(TypedDict):
    """What the source says; the conditions are those of a Kubernetes EndpointSlice."""

    origin: str
    """Where the endpoint comes from: `slice NAME`, `dns NAME`, or `configuration`."""
    is_ready: bool
    is_serving: bool
    is_terminating: bool
    weight: int


class CheckShape(TypedDict):
    """The last active check."""

    seconds_ago: float
    took_seconds: float
    failure: str | None
    """Why it failed; null if it passed, or was not made."""
    not_made: str | None
    """Why it could not be made, for want of something on lbproxy's host; null if it was made."""
    in_a_row: int
    """How many checks in a row had this result."""
    verdict: str | None
    """Why the backend counts as failed; null if it does not."""
    is_ignored: bool
    """Whether checks are ignored, because more than half of the service's backends fail theirs."""


class DrainShape(TypedDict):
    """A draining backend: it keeps its connections and gets no new ones."""

    connections: int
    reset_in_seconds: float | None
    """Seconds until those that remain are reset; null if they may go on."""
    oldest_seconds: float | None
    """Age of the oldest connection; null if there is none, or the dataplane can't tell."""
    by_operator: bool
    ends_in_seconds: float | None
    """Seconds until the drain ends by itself; null if it does not."""


class ScoreShape(TypedDict):
    """One backend as one worker's scheduler ranks it."""

    worker: int
    score: float | None
    """The lowest score is chosen, ties in turn; null if the backend can't be chosen."""
    active: int
    is_full: bool
    is_next: bool
    """Whether it gets the next connection that this worker accepts."""


class ExplainedBackendShape(TypedDict):
    """One backend of a service, and why it is in its state."""

    address: str
    state: str
    reason: str
    for_seconds: float | None
    is_open: bool
    active: int
    weight: int
    causes: list[CauseShape]
    endpoint: EndpointShape | None
    """Null if the source no longer lists it."""
    check: CheckShape | None
    """Null if it is not checked, or has not been checked yet."""
    ejected_for_seconds: float | None
    """Seconds until its ejection ends; null if it is not ejected."""
    drain: DrainShape | None
    scores: list[ScoreShape]
    """One per worker; empty where the kernel chooses."""


class NextShape(TypedDict):
    """The backend that one worker would choose now; null if there is none."""

    worker: int
    backend: str | None


class SourceShape(TypedDict):
    """One source of a service's endpoints."""

    origin: str
    """`configuration`, `Service NAMESPACE/NAME:PORT`, or `dns NAME`."""
    is_known: bool
    """False: its endpoints were never learned."""
    endpoints: int
    """How many it has."""
    trouble: str | None
    """Why they may be out of date, or are not known; null: they are what it said last."""


class ExplainedServiceShape(TypedDict):
    """One service: which backend gets the next connection, and why."""

    name: str
    scheduler: str | None
    next: list[NextShape]
    """One per worker: each chooses for the clients that it accepts."""
    sources: list[SourceShape]
    """Where the endpoints come from, in the order of the configuration."""
    backends: list[ExplainedBackendShape]


class ExplanationShape(TypedDict):
    """The answer of `/explain`."""

    time: str
    services: list[ExplainedServiceShape]


class EventShape(TypedDict):
    """One change that was logged."""

    number: int
    """Grows by one with each event, from 1; if the first is not 1, the earlier ones are no longer kept."""
    time: str
    """ISO 8601 in UTC."""
    level: str
    """debug, info, warning or error."""
    kind: str
    """backend, ejection, checks, configuration, worker, kubernetes, dataplane, order or program."""
    text: str
    service: str | None
    backend: str | None
    """Its address."""
    state: str | None
    """The state that the backend has now: active, draining, down or removed."""
    before: str | None
    """The state that it had before; unknown for a new one."""
    reason: str | None


class EventLogShape(TypedDict):
    """The answer of `/events`, the oldest event first."""

    latest: int
    """The number of the latest event, 0 before the first. `?since=` with this number asks for later ones."""
    events: list[EventShape]


class OrderedBackendShape(TypedDict):
    """One backend for which the order was carried out."""

    service: str
    backend: str
    """Its address."""
    active: int
    """Its open connections."""
    others_open: int
    """How many other backends of its service get new connections; with 0, clients are refused."""


class OrderedShape(TypedDict):
    """The answer of `/drain` and `/undrain`."""

    backends: list[OrderedBackendShape]


def iso(moment: datetime) -> str:
    """Write a time of day as ISO 8601, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")
