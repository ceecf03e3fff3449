"""An operator's order to drain one backend. What follows from it is in `control.drain`. Pure."""

from dataclasses import dataclass

from lbproxy.model.snapshot import Backend

BY_OPERATOR = "drained by operator"
"""The reason of the state of such a backend."""


@dataclass(frozen=True, slots=True)
class DrainOrder:
    """One order. Times are seconds on the monotonic clock."""

    until: float | None = None
    """When the order ends by itself; None: only when the operator ends it."""
    deadline: float | None = None
    """When the remaining connections are reset; None: never, they may end by themselves."""
    absent_since: float | None = None
    """Since when the table has no such backend; None: it has one."""


def is_drained_by_operator(backend: Backend) -> bool:
    """Whether an operator's order, and nothing else, drains this backend."""
    return backend.reason == BY_OPERATOR
