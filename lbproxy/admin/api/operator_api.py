"""What an operator may ask about one service, and the drains that an operator may order."""

from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic
from typing import Protocol, runtime_checkable

import structlog

from lbproxy.control.backend_state import BackendState
from lbproxy.control.controller import Controller
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import DrainOrder
from lbproxy.model.facts import CheckResult, Facts
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


log = structlog.get_logger()


@runtime_checkable
class Chooser(Protocol):
    """A dataplane that chooses itself, and so can say whom."""

    async def choices(self, service: str, leaving: Sequence[Address]) -> tuple[SchedulerChoice, ...]:
        """How each scheduler would choose now, and how old the oldest connections of `leaving` are."""


class ControllerOperator:
    """Reads everybody's facts; orders go to the controller."""

    def __init__(self, controller: Controller, dataplane: object,
                 results: Callable[[], Mapping[BackendKey, CheckResult]]) -> None:
        self._controller, self._dataplane, self._results = controller, dataplane, results

    def facts(self, service: str) -> Mapping[Address, Facts]:
        """What is known of each backend that a service has or still drains."""
        now, results = monotonic(), self._results()
        is_doubted = service in self._controller.table.panicking()
        return {address: _facts(entry, results.get(BackendKey(service, address)), now, is_doubted=is_doubted)
                for address, entry in self._controller.table.backends(service).items()}

    async def choices(self, service: str, leaving: Sequence[Address]) -> tuple[SchedulerChoice, ...]:
        """How each scheduler would choose now; none if the dataplane can't tell."""
        return await self._dataplane.choices(service, leaving) if isinstance(self._dataplane, Chooser) else ()

    def order(self, key: BackendKey, seconds: float | None, deadline: float | None) -> bool:
        """Drain a backend, for so many seconds if given, and reset what is left after `deadline` seconds, if given.

        False if there is no such backend.
        """
        now = monotonic()
        order = DrainOrder(None if seconds is None else now + seconds, None if deadline is None else now + deadline)
        if not self._controller.drain(key, order):
            return False
        log.info("drain ordered", service=key.service, backend=str(key.address),
                 seconds=seconds, deadline_seconds=deadline)
        return True

    def orders(self) -> Collection[BackendKey]:
        """Backends that an operator drains, also those that are gone for now."""
        return self._controller.table.drain_orders(monotonic()).keys()

    def take_back(self, key: BackendKey) -> bool:
        """End such a drain; False if there was none."""
        if not self._controller.undrain(key):
            return False
        log.info("drain taken back", service=key.service, backend=str(key.address))
        return True


def _facts(entry: BackendState, result: CheckResult | None, now: float, *, is_doubted: bool) -> Facts:
    return Facts(entry.endpoint, entry.failure, is_doubted, result,
                 entry.ejected_until if entry.ejected_until > now else None, entry.order)
