"""What main process and workers say to each other, and the way there and back from the model's values.

Both come from one installation and trust each other; the shapes are checked by the types on either side.
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
"""From a worker: it has obeyed everything before SYNC; how it would choose, as ASKed; something happened that the main
process should know."""
FAILING, PAUSED, RESUMED = "backend failing", "accepting paused", "accepting resumed"
"""The events: a backend failed several times in a row; descriptors or kernel memory are short; they are back."""


class Member(NamedTuple):
    """A backend as the main process announces it to the workers."""

    address: Address
    slot: int
    weight: int
    is_open: bool


def policy_to(policy: Policy) -> dict[str, Any]:
    """For the wire."""
    return asdict(policy)


def policy_from(fields: dict[str, Any]) -> Policy:
    """From the wire."""
    return Policy(**{**fields, "scheduler": Scheduler(fields["scheduler"]), "health": HealthPolicy(**fields["health"])})


def member_to(backend: Backend, slot: int) -> list[Any]:
    """For the wire."""
    return [*backend.address, slot, backend.weight, backend.is_open]


def member_from(row: list[Any]) -> Member:
    """From the wire."""
    host, port, slot, weight, is_open = row
    return Member(Address(host, port), slot, weight, is_open)
