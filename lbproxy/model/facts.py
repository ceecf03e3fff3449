"""What is known about one backend and the program at one moment, for `/explain`. Frozen values."""

from dataclasses import dataclass

from lbproxy.model.drain_orders import DrainOrder
from lbproxy.model.snapshot import Endpoint


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One active check. Times are seconds, on the monotonic clock."""

    at: float
    seconds: float
    """How long it took."""
    failure: str | None
    """None: it passed, or was not made."""
    in_a_row: int
    """How many checks in a row had this result: passed, failed, or not made."""
    not_made: str | None = None
    """Why it could not be made, for want of something on this host; None: it was made."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about one backend. Times are seconds on the monotonic clock."""

    endpoint: Endpoint | None
    """What the source says; None: the source no longer has it."""
    failure: str | None
    """Why the checks count it as dead; None: they don't."""
    is_check_doubted: bool
    """So many backends of its service fail their checks that the checks are ignored."""
    last_check: CheckResult | None
    ejected_until: float | None
    """None: it is not ejected."""
    order: DrainOrder | None
    """The operator's order to drain it; None: there is none."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What one source says of a service's endpoints: the configuration, a Kubernetes Service, a DNS name."""

    origin: str
    """Its name, as `dns db.internal`."""
    is_known: bool
    """Whether its endpoints were ever learned."""
    endpoints: int
    """How many it has."""
    trouble: str
    """Why they may be out of date, or are not known; empty: they are what it said last."""


@dataclass(frozen=True, slots=True)
class Program:
    """What holds for the running program as a whole."""

    dataplane: str
    started: float
    """Seconds, on the monotonic clock."""
    trouble: str
    """Why the dataplane is not as the table says; empty while it is."""
    refusal: str = ""
    """Why the configuration file is not in force; empty while it is."""
