"""What an operator has ordered: to drain a backend, whatever its source and its checks say of it. Pure.

An order outlives reloads and what Kubernetes says: a backend that leaves and comes back is drained again. It ends when
its time is over, when it is taken back, or when its backend has been gone for long: by then its address may be
somebody else's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend

BY_OPERATOR = "drained by operator"
"""The reason of such a backend's state."""
FORGOTTEN_AFTER = 3600.0
"""Seconds after which the order for a backend that is gone is forgotten."""


@dataclass(frozen=True, slots=True)
class DrainOrder:
    """One backend's. Times are seconds on the monotonic clock."""

    until: float | None = None
    """When it takes new connections again by itself; None: when it is told to."""
    deadline: float | None = None
    """When its remaining connections are reset; None: they may go on."""
    absent_since: float | None = None
    """Since when the table has no such backend; None: it has."""

    def has_ended(self, now: float) -> bool:
        """Its time is over, or that of its backend."""
        is_forgotten = self.absent_since is not None and now - self.absent_since >= FORGOTTEN_AFTER
        return is_forgotten or (self.until is not None and self.until <= now)


def is_drained_by_operator(backend: Backend) -> bool:
    """Whether an operator's order is what drains it."""
    return backend.reason == BY_OPERATOR


class DrainOrders:
    """Those for the backends of one service."""

    def __init__(self) -> None:
        self._orders: dict[Address, DrainOrder] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[Address]:
        return iter(self._orders)

    def get(self, address: Address) -> DrainOrder | None:
        """The order for this backend."""
        return self._orders.get(address)

    def give(self, address: Address, order: DrainOrder) -> None:
        """Order, instead of what was ordered before."""
        self._orders[address] = order

    def take_back(self, address: Address) -> bool:
        """End an order, and return whether there was one."""
        return self._orders.pop(address, None) is not None

    def carry_out(self, address: Address) -> None:
        """Its backend's connections were reset: there is no deadline any more."""
        self._orders[address] = replace(self._orders[address], deadline=None)

    def expire(self, present: Iterable[Address], now: float) -> None:
        """End what is over, and note which backends are gone, and since when."""
        known = set(present)
        for address, order in list(self._orders.items()):
            if address in known and order.absent_since is not None and not order.has_ended(now):
                self._orders[address] = replace(order, absent_since=None)
            elif order.has_ended(now):
                del self._orders[address]
            elif address not in known and order.absent_since is None:
                self._orders[address] = replace(order, absent_since=now)

    def deadlines(self) -> Iterator[float]:
        """When orders change something by themselves."""
        for order in self._orders.values():
            yield from (time for time in (order.until, order.deadline) if time is not None)
