"""The JSON of `/explain`: why each backend gets connections or none. As with `/backends`, fields are only ever added.

Durations are seconds. What does not apply or can't be told is null.
"""

from typing_extensions import TypedDict  # typing's own can't be described to others before Python 3.12


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
