"""The JSON that the admin server answers with, as types: a contract with scripts, dashboards and the page. Pure.

Fields are added but never renamed or removed. Durations are seconds; `..._total` only grows for as long as lbproxy
runs; what does not apply or is not known is null.
"""

from collections.abc import Iterable
from datetime import datetime

from typing_extensions import TypedDict  # typing's own can't be described to others before Python 3.12

from lbproxy.model.event_log import Event


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
    state_seconds_left: float | None
    """After this, the state ends by itself (an ejection, an operator's drain); None unless it does."""
    is_drained_by_operator: bool
    """`lbproxy drain` was ordered for it."""
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
    max_conns: int | None
    """Connections that each backend may have; 0: no limit."""
    accepted_total: int
    """Client connections."""
    queued: int
    """Clients that wait now for a backend below max-conns."""
    rejected_total: dict[str, int]
    """Clients that got no backend, by reason."""
    closed_total: dict[str, int]
    """Relayed connections that ended, by reason, those of backends that are gone included."""
    backends: list[BackendShape]


class WorkerShape(TypedDict):
    """One worker process; a dataplane without any has none."""

    index: int
    pid: int | None
    """None while it is being replaced."""
    heartbeat_age_seconds: float
    descriptors: int
    """That it uses for connections."""
    is_paused: bool
    """It accepts nothing for want of descriptors."""


class ProgramShape(TypedDict):
    """What runs."""

    version: str
    dataplane: str
    """userspace or ipvs."""
    pid: int
    uptime_seconds: float
    not_ready: str | None
    """Why no new clients should be sent here; None if they are welcome."""
    not_healthy: str | None
    """Why this process should be replaced; None if it need not be."""
    trouble: str
    """Why the dataplane is not as the table says; empty while it is."""
    workers: list[WorkerShape]
    worker_restarts_total: int


class StateShape(TypedDict):
    """The whole answer."""

    version: int | None
    """Grows with each change of the table; None until the first one was applied."""
    time: str
    """When this was read, ISO 8601 in UTC."""
    program: ProgramShape
    services: list[ServiceShape]


class CauseShape(TypedDict):
    """One link of the chain, in the order in which they are heeded."""

    about: str
    """source, operator, checks, ejection, weight, connections or scheduler."""
    says: str
    """In one sentence."""
    is_decisive: bool
    """This is what decides over the backend's state."""


class EndpointShape(TypedDict):
    """What the source says; conditions as Kubernetes means them."""

    origin: str
    """`slice NAME`, or `configuration`."""
    is_ready: bool
    is_serving: bool
    is_terminating: bool
    weight: int


class CheckShape(TypedDict):
    """The last active check."""

    seconds_ago: float
    took_seconds: float
    failure: str | None
    """Null: it passed."""
    in_a_row: int
    """Results like this one, up to now."""
    verdict: str | None
    """Why the backend counts as dead; null: it does not."""
    is_ignored: bool
    """More than half of the service's backends fail: checks are doubted."""


class DrainShape(TypedDict):
    """It keeps its connections and gets no new ones."""

    connections: int
    reset_in_seconds: float | None
    """When those that remain are reset; null: they may go on."""
    oldest_seconds: float | None
    """Age of the oldest connection; null: there is none, or the dataplane (ipvs) does not know."""
    by_operator: bool
    ends_in_seconds: float | None
    """When it takes connections again by itself; null: it does not."""


class ScoreShape(TypedDict):
    """How one worker's scheduler sees it."""

    worker: int
    score: float | None
    """The least is chosen, ties in turn; null: it is not to be chosen."""
    active: int
    is_full: bool
    is_next: bool
    """The next connection that this worker accepts gets it."""


class ExplainedBackendShape(TypedDict):
    """One backend."""

    address: str
    state: str
    reason: str
    for_seconds: float | None
    is_open: bool
    active: int
    weight: int
    causes: list[CauseShape]
    endpoint: EndpointShape | None
    """Null: the source has it no more."""
    check: CheckShape | None
    """Null: it is not checked, or was not yet."""
    ejected_for_seconds: float | None
    """When the ejection ends; null: it is not ejected."""
    drain: DrainShape | None
    scores: list[ScoreShape]
    """One per worker; empty where the dataplane (ipvs) chooses in the kernel."""


class NextShape(TypedDict):
    """Whom a worker would choose now."""

    worker: int
    backend: str | None


class ExplainedServiceShape(TypedDict):
    """One service."""

    name: str
    scheduler: str | None
    next: list[NextShape]
    """Each worker chooses for the clients that it accepts."""
    backends: list[ExplainedBackendShape]


class ExplanationShape(TypedDict):
    """The whole answer."""

    time: str
    services: list[ExplainedServiceShape]


class EventShape(TypedDict):
    """One change."""

    number: int
    """Grows by one with each event since lbproxy started; a gap before the first says how many were forgotten."""
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
    """That it has now: active, draining, down or removed."""
    before: str | None
    """That it had; unknown for a new one."""
    reason: str | None


class TimelineShape(TypedDict):
    """The whole answer."""

    latest: int
    """The number of the latest event, 0 before the first: ask with `?since=` it for what comes after."""
    events: list[EventShape]


def event_shape(event: Event) -> EventShape:
    """Give one event."""
    return {"number": event.number, "time": iso(event.time), "level": event.level, "kind": event.kind,
            "text": event.text, "service": event.service, "backend": event.backend, "state": event.state,
            "before": event.before, "reason": event.reason}


def timeline_shape(events: Iterable[Event], latest: int) -> TimelineShape:
    """Give the whole answer."""
    return {"latest": latest, "events": [event_shape(event) for event in events]}


class SteeredShape(TypedDict):
    """One backend for which the order is in force now."""

    service: str
    backend: str
    """Its address."""
    active: int
    """Connections that it has now."""
    others_open: int
    """Backends of its service, besides it, that take new connections; 0: clients are refused."""


class OrderedShape(TypedDict):
    """The whole answer."""

    backends: list[SteeredShape]


def iso(moment: datetime) -> str:
    """Write a time of day to the millisecond."""
    return moment.isoformat(timespec="milliseconds")
