"""What an operator may ask about one service, and the drains that an operator may order."""

from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic
from typing import Protocol

import structlog

from lbproxy.control.backend_state import BackendState
from lbproxy.control.controller import Controller
from lbproxy.dataplanes.kind import Choices
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import DrainOrder
from lbproxy.model.facts import CheckResult, Facts, SourceFacts
from lbproxy.model.snapshot import BackendKey
from lbproxy.model.stats import SchedulerChoice

log = structlog.get_logger()


class OperatorApi(Protocol):
    """The running program, for an operator's questions and orders. Call it on the program's event loop only."""

    def facts(self, service: str) -> Mapping[Address, Facts]:
        """What is known of each backend that a service has or still drains; empty if there is no such service."""

    def sources(self, service: str) -> Sequence[SourceFacts]:
        """What each source of its endpoints says, in the configuration's order; empty if there is no such service."""

    async def choices(self, service: str, draining: Sequence[Address]) -> Sequence[SchedulerChoice]:
        """Which backend each worker's scheduler would choose next, and the oldest connections of `draining`.

        Empty if the dataplane can't tell. Takes a second at most; a worker that doesn't answer by then is left out.
        """

    def drain(self, key: BackendKey, seconds: float | None, deadline: float | None) -> bool:
        """Order a drain that ends after `seconds`, and reset what is left after `deadline` seconds; None: never.

        Ordering it again replaces the terms. False if there is no such backend.
        """

    def drain_orders(self) -> Collection[BackendKey]:
        """Backends with such an order, including those that their source no longer lists."""

    def undrain(self, key: BackendKey) -> bool:
        """End an order before its time; False if there was none."""


class ControllerOperator:
    """Reads facts from table, checks and dataplane, and passes orders to the controller. Owns none of them.

    `choices` asks the dataplane and `sources` the sources, see `OperatorApi`. `results` gives the last active check of
    each backend; empty while no checks run.
    """

    def __init__(self, controller: Controller, choices: Choices,
                 results: Callable[[], Mapping[BackendKey, CheckResult]],
                 sources: Callable[[str], Sequence[SourceFacts]]) -> None:
        self._controller, self._choices, self._results = controller, choices, results
        self._sources = sources

    def facts(self, service: str) -> Mapping[Address, Facts]:
        """See `OperatorApi`."""
        now, results = monotonic(), self._results()
        # As of the last snapshot: that is what the dataplane acts by.
        is_doubted = service in self._controller.table.panicking()
        return {address: _facts(entry, results.get(BackendKey(service, address)), now, is_doubted=is_doubted)
                for address, entry in self._controller.table.backends(service).items()}

    def sources(self, service: str) -> Sequence[SourceFacts]:
        """See `OperatorApi`."""
        return self._sources(service)

    async def choices(self, service: str, draining: Sequence[Address]) -> Sequence[SchedulerChoice]:
        """See `OperatorApi`."""
        return await self._choices(service, draining)

    def drain(self, key: BackendKey, seconds: float | None, deadline: float | None) -> bool:
        """See `OperatorApi`."""
        now = monotonic()
        order = DrainOrder(None if seconds is None else now + seconds, None if deadline is None else now + deadline)
        if not self._controller.drain(key, order):
            return False
        log.info("drain ordered", service=key.service, backend=str(key.address),
                 seconds=seconds, deadline_seconds=deadline)
        return True

    def drain_orders(self) -> Collection[BackendKey]:
        """See `OperatorApi`."""
        return self._controller.table.drain_orders(monotonic()).keys()

    def undrain(self, key: BackendKey) -> bool:
        """See `OperatorApi`."""
        if not self._controller.undrain(key):
            return False
        log.info("drain cancelled", service=key.service, backend=str(key.address))
        return True


def _facts(state: BackendState, result: CheckResult | None, now: float, *, is_doubted: bool) -> Facts:
    return Facts(state.endpoint, state.failure, is_doubted, result,
                 state.ejected_until if state.ejected_until > now else None, state.order)
