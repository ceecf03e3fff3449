"""One backend in the table: the facts about it, and when it is ejected. Pure.

What follows from the facts is decided in `service_state` (the state) and in `drain` (everything about draining).
"""

from dataclasses import dataclass

from lbproxy.model.address import Address
from lbproxy.model.drain_orders import DrainOrder
from lbproxy.model.snapshot import Backend, Endpoint

# As Envoy's outlier detection: a short first ejection, because a lost SYN or a restart is over soon, and a longer one
# each time, because each return costs real clients a failed connect.
FIRST_EJECTION = 10.0
"""Seconds; each further ejection lasts twice as long as the one before."""
LONGEST_EJECTION = 300.0
"""Seconds. Envoy's `max_ejection_time` is the same."""
FORGIVEN_AFTER = 300.0
"""Seconds without an ejection after which the next one is a first one again."""


@dataclass(slots=True)
class BackendState:
    """The facts about one backend. Times are seconds on the monotonic clock."""

    address: Address
    endpoint: Endpoint | None = None
    """What the source says; None: the source no longer has it."""
    failure: str | None = None
    """Why the active checks count it as dead; None: they don't."""
    ejected_until: float = 0.0
    ejected_for: float = 0.0
    """How long the last ejection was; 0: there was none, or it is forgiven."""
    order: DrainOrder | None = None
    """The operator's order for it; None: there is none."""
    deadline: float | None = None
    """When its remaining connections are reset; None: never. Set by `drain.reset_deadline`."""
    backend: Backend | None = None
    """As in the last snapshot; None: it was not in it."""

    def eject(self, now: float) -> float:
        """Take it out of use for a while, and return for how many seconds."""
        if now - self.ejected_until > FORGIVEN_AFTER:
            self.ejected_for = 0.0
        # Twice 0 is 0, so `or` makes a first or forgiven ejection the shortest one.
        self.ejected_for = min(2 * self.ejected_for, LONGEST_EJECTION) or FIRST_EJECTION
        self.ejected_until = now + self.ejected_for
        return self.ejected_for

    def is_candidate(self) -> bool:
        """Whether source and operator both want it to get new connections.

        Only candidates are ejected, and only they count for the panic threshold: nothing depends on a verdict over
        a backend that gets no clients anyway.
        """
        endpoint = self.endpoint
        if endpoint is None or self.order is not None:
            return False
        return endpoint.is_ready and not endpoint.is_terminating and endpoint.weight > 0

    def is_spare(self) -> bool:
        """Whether it would get new connections if no candidate could be used."""
        endpoint = self.endpoint
        if endpoint is None or self.order is not None or endpoint.weight:
            return False
        return endpoint.is_ready and not endpoint.is_terminating and endpoint.spare_weight > 0

    def is_dead(self) -> bool:
        """Whether it is a candidate which the active checks count as dead."""
        return self.is_candidate() and self.failure is not None
