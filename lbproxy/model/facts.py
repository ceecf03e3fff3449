"""What is known of one backend and of the program at one moment, for an operator who asks why. Frozen values."""

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
    """None: it passed."""
    in_a_row: int
    """Results like this one, up to now."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One backend's. Times are seconds, on the monotonic clock."""

    endpoint: Endpoint | None
    """What the source says; None when it says nothing any more."""
    failure: str | None
    """Why the checks hold it for dead; None: they don't."""
    is_check_doubted: bool
    """So many backends of its service fail that their checks are ignored."""
    last_check: CheckResult | None
    ejected_until: float | None
    """None: it is not ejected."""
    order: DrainOrder | None
    """An operator's."""


@dataclass(frozen=True, slots=True)
class Program:
    """What runs."""

    dataplane: str
    started: float
    """Seconds, on the monotonic clock."""
    trouble: str
    """Why the dataplane is not as the table says; empty while it is."""
