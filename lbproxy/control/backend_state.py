"""One backend in the table: the facts about it, and the state that follows from them."""

from dataclasses import dataclass

from lbproxy.model.address import Address
from lbproxy.model.drain_orders import BY_OPERATOR, DrainOrder
from lbproxy.model.snapshot import Backend, Endpoint, State

FIRST_EJECTION = 10.0
"""Seconds; each further one lasts twice as long."""
LONGEST_EJECTION = 300.0
EJECTED = "ejected: connects failed in a row"
"""The reason of such a backend's state."""
FORGIVEN_AFTER = 300.0
"""Seconds without an ejection after which the next one is a first one again."""


@dataclass(slots=True)
class BackendState:
    """The facts. Times are seconds on the monotonic clock."""

    address: Address
    endpoint: Endpoint | None = None
    """What the source says; None when it says nothing any more."""
    failure: str | None = None
    """Why active checks hold it for dead; None: they don't."""
    ejected_until: float = 0.0
    ejected_for: float = 0.0
    """How long the last ejection was; 0: there was none, or it is forgiven."""
    order: DrainOrder | None = None
    """What an operator wants of it; None: nothing."""
    deadline: float | None = None
    """When its remaining connections are reset; set while it drains for good, or by order."""
    backend: Backend | None = None
    """As in the last snapshot; None if it was not in it."""

    def eject(self, now: float) -> float:
        """Take it out for a while, longer each time, and return for how many seconds."""
        if now - self.ejected_until > FORGIVEN_AFTER:
            self.ejected_for = 0.0
        self.ejected_for = min(2 * self.ejected_for, LONGEST_EJECTION) or FIRST_EJECTION
        self.ejected_until = now + self.ejected_for
        return self.ejected_for

    def drain_deadline(self, now: float, timeout: float) -> float | None:
        """When what it still holds is reset: `timeout` seconds after it began to go away; None if it stays.

        An order's deadline holds as long as the order.
        """
        if self.endpoint is not None and not self.endpoint.is_terminating:
            return self.order.deadline if self.order else None
        return now + timeout if self.deadline is None else self.deadline

    def is_overdue(self, now: float) -> bool:
        """Its time to drain is over."""
        return self.deadline is not None and self.deadline <= now

    def is_wanted(self) -> bool:
        """The source wants it to get new connections: only such a backend is worth a verdict of ours."""
        endpoint = self.endpoint
        if self.order is not None:
            return False
        return endpoint is not None and endpoint.is_ready and not endpoint.is_terminating and endpoint.weight > 0

    def is_dead(self) -> bool:
        """Active checks, which only judge who is wanted, have found nobody there."""
        return self.is_wanted() and self.failure is not None

    def ends_at(self, reason: str) -> float | None:
        """When a state that it has for this reason ends by itself: an operator's drain, an ejection; None: never."""
        if reason == BY_OPERATOR and self.order is not None:
            return self.order.until
        return self.ejected_until if reason == EJECTED else None

    def is_last_resort(self) -> bool:
        """It is going away but still serves (Kubernetes KEP-1669), or is only ejected: better than nobody."""
        endpoint = self.endpoint
        if self.order is not None:
            return False
        if self.is_wanted():
            return self.failure is None
        return endpoint is not None and endpoint.is_terminating and endpoint.is_serving and endpoint.weight > 0


def judge(entry: BackendState, now: float, *, trusts_checks: bool) -> tuple[State, str]:  # noqa: PLR0911 - a decision table
    """The state that follows from the facts, and the reason in a few words."""
    endpoint = entry.endpoint
    if endpoint is None:
        return State.DRAINING, "removed"
    if endpoint.is_terminating:
        return State.DRAINING, "terminating" if endpoint.is_serving else "terminating, not serving"
    if entry.order is not None:
        return State.DRAINING, BY_OPERATOR
    if not endpoint.is_ready:
        return State.DOWN, "not ready"
    if endpoint.weight == 0:
        return State.DRAINING, "weight 0"
    if entry.failure is not None and trusts_checks:
        return State.DOWN, f"check failed: {entry.failure}"
    if entry.ejected_until > now:
        return State.DOWN, EJECTED
    return State.ACTIVE, "ready" if entry.failure is None else "checks ignored: too many backends fail them"
