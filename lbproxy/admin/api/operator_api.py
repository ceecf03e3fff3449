"""Whom the admin server asks about one service and to whom it hands orders on."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from lbproxy.model.address import Address
from lbproxy.model.facts import Facts
from lbproxy.model.snapshot import BackendKey
from lbproxy.model.stats import SchedulerChoice


class OperatorApi(Protocol):
    """The running program, as an operator steers it. Asked on its event loop only."""

    def facts(self, service: str) -> Mapping[Address, Facts]:
        """What is known of each backend that a service has or still drains; none if there is no such service."""

    async def choices(self, service: str, leaving: Sequence[Address]) -> Sequence[SchedulerChoice]:
        """How each scheduler would choose now, and how old the oldest connections of `leaving` are.

        None if the dataplane can't tell. Takes a second at most.
        """

    def order(self, key: BackendKey, seconds: float | None, deadline: float | None) -> bool:
        """Drain a backend, for so many seconds if given; reset its connections after `deadline` seconds, if given.

        False if there is no such backend.
        """

    def orders(self) -> Collection[BackendKey]:
        """Backends that an operator drains, also those that are gone for now."""

    def take_back(self, key: BackendKey) -> bool:
        """End such a drain; False if there was none."""
