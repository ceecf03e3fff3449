"""The messages between main process and workers, and the model's values as JSON and back.

Both sides come from one installation and trust each other, so nothing here validates. JSON, since messages are rare:
they are sent per change, never per connection.
"""

from dataclasses import asdict
from typing import Any, NamedTuple

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, HealthPolicy, Policy, Scheduler

PUT_SERVICE, DROP_SERVICE = "put-service", "drop-service"
PUT_MEMBERS, DROP_MEMBERS = "put-members", "drop-members"
LISTEN, UNLISTEN = "listen", "unlisten"
SYNC, ASK, EXIT = "sync", "ask", "exit"
"""From the main process."""
SYNCED, ANSWER, EVENT = "synced", "answer", "event"
"""From a worker: it has obeyed everything before SYNC; how it would choose, as ASKed; one of the events below."""
FAILING, PAUSED, RESUMED = "backend failing", "accepting paused", "accepting resumed"
COPYING = "bulk is copied"
"""The events: a backend failed several times in a row; descriptors or kernel memory are short; they are back; the
kernel refuses splice."""


class Member(NamedTuple):
    """A backend as the main process announces it to the workers: `slot` is where both count it."""

    address: Address
    slot: int
    weight: int
    is_open: bool


def policy_to(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON; `policy_from` is the way back."""
    return asdict(policy)


def policy_from(fields: dict[str, Any]) -> Policy:
    """Return the policy that `policy_to` has written, equal to the one that went in."""
    return Policy(**{**fields, "scheduler": Scheduler(fields["scheduler"]), "health": HealthPolicy(**fields["health"])})


def member_to(backend: Backend, slot: int) -> list[Any]:
    """Return what a worker needs of a backend as a JSON row: host, port, slot, weight, whether it is open."""
    return [*backend.address, slot, backend.weight, backend.is_open]


def member_from(row: list[Any]) -> Member:
    """Return the member of a row that `member_to` has written."""
    host, port, slot, weight, is_open = row
    return Member(Address(host, port), slot, weight, is_open)
