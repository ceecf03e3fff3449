"""Every rule of draining: when a backend gets no new connections, how long it keeps those it has, when it is dropped.

The first row that applies is the reason of the state DRAINING (the last row is DOWN, and here for its rule only):

| reason                   | it is                     | new connections | connections reset   | it ends               |
|--------------------------|---------------------------|-----------------|---------------------|-----------------------|
| removed                  | no longer in its source   | no              | after drain-timeout | listed again, or idle |
| terminating              | a Pod that stops, serving | as last resort  | after drain-timeout | removed               |
| terminating, not serving | a Pod that stops          | no              | after drain-timeout | removed               |
| drained by operator      | ordered to drain          | no              | at the order's      | time over, or the     |
|                          |                           |                 | deadline, if it has | operator ends it      |
| spare                    | ready, in another zone    | as last resort  | no                  | a weight above 0      |
| weight 0                 | ready, with a weight of 0 | no              | no                  | another weight        |
| ejected (DOWN)           | failing connects in a row | as last resort  | no                  | time over, or a check |
|                          |                           |                 |                     | passes again          |

- Last resort: no backend of the service is ACTIVE. A Pod that stops but still serves is better than no backend
  (Kubernetes KEP-1669), and so is one that is only ejected. What an operator drains is never used.
- Going away has a hard limit. Without one, a client that reuses its connection keeps a removed backend for ever
  (kubernetes#81775, #84322); cutting at once breaks every rollout (kubernetes#57841). A deadline that is set stays:
  neither a new drain-timeout nor the step from terminating to removed moves it.
- A removed backend is dropped as soon as it holds no connection. Only removed ones: a backend that is still listed
  has a state to show.
- An order survives reloads and whatever Kubernetes says: a backend that leaves and comes back is drained again. An
  order for an absent backend is forgotten after an hour, because by then another Pod may have its address.

Pure: the caller says what time it is, in seconds on the monotonic clock.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from lbproxy.control.backend_state import BackendState
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import BY_OPERATOR, DrainOrder
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.model.stats import BackendStats

FORGOTTEN_AFTER = 3600.0
"""Seconds after which the order for an absent backend is forgotten."""


def drain_reason(backend: BackendState) -> str | None:
    """Why it drains: the first row of the table that applies; None if it does not drain."""
    endpoint = backend.endpoint
    if endpoint is None:
        return "removed"
    # Before an operator's order: the Pod goes away whatever was ordered, so its drain needs a deadline.
    if endpoint.is_terminating:
        return "terminating" if endpoint.is_serving else "terminating, not serving"
    if backend.order is not None:
        return BY_OPERATOR
    if backend.is_spare():
        return "spare"
    return "weight 0" if endpoint.is_ready and endpoint.weight == 0 else None


def is_last_resort(backend: BackendState) -> bool:
    """Whether it gets new connections while no backend of its service is ACTIVE."""
    endpoint = backend.endpoint
    if endpoint is None or backend.order is not None:
        return False
    # A candidate that is not ACTIVE failed its checks or is ejected. An ejection is a guess from a few connects, so
    # such a backend is still tried before clients are refused; one that fails its checks is not.
    if backend.is_candidate() or backend.is_spare():
        return backend.failure is None
    return endpoint.is_terminating and endpoint.is_serving and endpoint.weight > 0


def reset_deadline(backend: BackendState, now: float, timeout: float) -> float | None:
    """When its remaining connections are reset; None: never. `timeout` is the service's drain-timeout in seconds."""
    endpoint = backend.endpoint
    if endpoint is not None and not endpoint.is_terminating:
        return backend.order.deadline if backend.order else None
    # Set once and then kept: otherwise each evaluation would move the deadline on, and the drain would never end.
    return now + timeout if backend.deadline is None else backend.deadline


def is_overdue(backend: BackendState, now: float) -> bool:
    """Whether its time to drain is over. A snapshot without it makes the dataplane reset what is left."""
    return backend.deadline is not None and backend.deadline <= now


def without_connections(removed: Iterable[BackendKey], applied: Snapshot | None,
                        counters: Mapping[BackendKey, BackendStats]) -> Iterator[BackendKey]:
    """Return the removed backends which hold no connection and will get none.

    Those that `applied` still opens to new connections are left out: their count of zero may not stay zero. `removed`
    is ordered by service.
    """
    for name, keys in groupby(removed, attrgetter("service")):
        # What counts is the snapshot in force, not the table: the dataplane may still send clients by it.
        opened = _open_addresses(applied, name)
        yield from (key for key in keys if key.address not in opened and _is_idle(counters.get(key)))


def _open_addresses(applied: Snapshot | None, service: str) -> set[Address]:
    found = applied.services.get(service) if applied else None
    return {backend.address for backend in found.backends if backend.is_open} if found else set()


def _is_idle(counted: BackendStats | None) -> bool:
    # No counter: the dataplane has nothing of it. Not settled (IPVS): a handshake under way may yet become active.
    return counted is None or (counted.active == 0 and counted.is_settled)


def has_ended(order: DrainOrder, now: float) -> bool:
    """Whether the order's time is over, or it is forgotten."""
    is_forgotten = order.absent_since is not None and now - order.absent_since >= FORGOTTEN_AFTER
    return is_forgotten or (order.until is not None and order.until <= now)


class DrainOrders:
    """The orders for the backends of one service. They outlive the backends, and the service itself."""

    def __init__(self) -> None:
        self._orders: dict[Address, DrainOrder] = {}
        self._assigned: set[Address] = set()
        """Backends which may still hold an order, so that its end is noticed."""

    def __bool__(self) -> bool:
        return bool(self._orders)

    def items(self) -> Iterator[tuple[Address, DrainOrder]]:
        """Return each backend's order, ended ones too until the next `assign`."""
        yield from self._orders.items()

    def add(self, address: Address, order: DrainOrder) -> None:
        """Drain this backend; replaces an earlier order."""
        self._orders[address] = order

    def end(self, address: Address) -> bool:
        """End an order, and return whether there was one."""
        return self._orders.pop(address, None) is not None

    def assign(self, backends: Mapping[Address, BackendState], now: float) -> list[BackendState]:
        """Write the orders into the backends, end those that are over, and return the backends that changed."""
        if not self._orders and not self._assigned:
            return []
        self.expire(backends.keys(), now)
        changed = []
        # Also those that had an order the last time: an order that ended must be taken back from its backend.
        for address in {*self._orders, *self._assigned} & backends.keys():
            backend, order = backends[address], self._orders.get(address)
            if backend.order is not order:
                backend.order = order
                changed.append(backend)
        self._assigned = set(self._orders)
        return changed

    def expire(self, present: Iterable[Address], now: float) -> None:
        """End the orders that are over, and note since when backends are absent."""
        known = set(present)
        # A copy, as orders are deleted and replaced in the loop.
        for address, order in list(self._orders.items()):
            if has_ended(order, now):
                del self._orders[address]
            elif address in known:
                self._orders[address] = order if order.absent_since is None else replace(order, absent_since=None)
            elif order.absent_since is None:
                self._orders[address] = replace(order, absent_since=now)

    def note_applied(self, backends: Mapping[Address, BackendState]) -> bool:
        """Clear the deadlines that the dataplane has just carried out, and return whether there were any.

        An order stays after its deadline: the backend, now without connections, goes on being drained.
        """
        done = [address for address, order in self._orders.items()
                if (backend := backends.get(address)) is not None and _is_carried_out(backend, order)]
        for address in done:
            self._orders[address] = replace(self._orders[address], deadline=None)
        return bool(done)


def _is_carried_out(backend: BackendState, order: DrainOrder) -> bool:
    """Whether the last snapshot left the backend out because of this order, and not of one that it replaced since."""
    is_left_out = backend.backend is None and backend.endpoint is not None
    return is_left_out and order is backend.order and order.deadline is not None and backend.deadline == order.deadline
