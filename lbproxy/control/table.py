"""The backend table: what sources say, and what only we know (checks, ejection, draining), gives one snapshot.

Pure: no clock, no task, no socket. Whoever changes it says what time it is; `next_deadline` says when time alone
will change it. Services and backends that did not change stay the same objects from one snapshot to the next.
"""

from collections.abc import Mapping

from lbproxy.control.backend_state import BackendState
from lbproxy.control.service_state import ServiceState
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import DrainOrder, DrainOrders
from lbproxy.model.snapshot import BackendKey, Service, Services, Snapshot


class Table:
    """Every service. One owner changes it, without an await in between."""

    def __init__(self) -> None:
        self._rosters: dict[str, ServiceState] = {}
        self._orders: dict[str, DrainOrders] = {}
        self._changed: set[str] = set()
        self._snapshot = Snapshot(0, {})

    def publish(self, services: Services) -> None:
        """Take the complete set of services: who is absent drains."""
        for name in {**self._rosters, **services}:
            spec = services.get(name)
            roster = self._rosters.get(name)
            if roster is None and spec is not None:
                roster = self._rosters[name] = ServiceState(spec, self._orders.setdefault(name, DrainOrders()))
            if roster is not None and roster.publish(spec):
                self._changed.add(name)

    def report(self, key: BackendKey, failure: str | None) -> None:
        """Take the verdict of the active checks: None for alive, else why it counts as dead."""
        roster = self._rosters.get(key.service)
        if roster is not None and roster.report(key.address, failure):
            self._changed.add(key.service)

    def eject(self, key: BackendKey, now: float) -> float | None:
        """Take out a backend whose connects failed in a row, and return for how many seconds.

        None if it stays: it is out already, or half of its service's backends are.
        """
        roster = self._rosters.get(key.service)
        seconds = roster.eject(key.address, now) if roster is not None else None
        if seconds is not None:
            self._changed.add(key.service)
        return seconds

    def order(self, key: BackendKey, order: DrainOrder) -> bool:
        """Drain a backend until told otherwise or until the order's time is over; False if there is no such backend."""
        if key.address not in self.entries(key.service):
            return False
        self._orders[key.service].give(key.address, order)
        self._changed.add(key.service)
        return True

    def take_back(self, key: BackendKey) -> bool:
        """End such an order, also that for a backend that is gone; False if there was none."""
        was_ordered = key.service in self._orders and self._orders[key.service].take_back(key.address)
        if was_ordered and key.service in self._rosters:
            self._changed.add(key.service)
        return was_ordered

    def confirm(self) -> None:
        """The dataplane has made the latest snapshot true."""
        self._changed.update(name for name, roster in self._rosters.items() if roster.orders and roster.confirm())

    @property
    def is_stale(self) -> bool:
        """Something has changed since the latest snapshot was made."""
        return bool(self._changed)

    def orders(self, now: float) -> dict[BackendKey, DrainOrder]:
        """Every order that is in force, also those for backends that are gone."""
        return {BackendKey(name, address): order for name, orders in self._orders.items()
                for address in orders if (order := orders.get(address)) and not order.has_ended(now)}

    def entries(self, service: str) -> Mapping[Address, BackendState]:
        """The facts about a service's backends, to read at this moment; none if there is no such service."""
        roster = self._rosters.get(service)
        return roster.entries if roster else {}

    def forget(self, key: BackendKey) -> None:
        """A draining backend has no connection left: it need not stay until its deadline."""
        roster = self._rosters.get(key.service)
        if roster is not None and roster.forget(key.address):
            self._changed.add(key.service)

    def draining(self) -> list[BackendKey]:
        """Backends that stay only for the connections they still have."""
        return [BackendKey(name, address) for name, roster in self._rosters.items()
                for address in sorted(roster.removed)]

    def is_draining(self) -> bool:
        """Whether there are any."""
        return any(roster.removed for roster in self._rosters.values())

    def snapshot(self, now: float) -> Snapshot:
        """The state at this moment; the same object as before if nothing changed."""
        for name, roster in self._rosters.items():
            if roster.next_deadline is not None and roster.next_deadline <= now:
                self._changed.add(name)
        before = self._snapshot.services
        services = dict(before)
        for name in sorted(self._changed):
            service = self._rosters[name].judge(now)
            if service is None:
                del self._rosters[name]
                self._orders[name].expire((), now)
                services.pop(name, None)
            else:
                services[name] = service
        self._changed.clear()
        if not _is_same(before, services):
            self._snapshot = Snapshot(self._snapshot.version + 1, services)
        return self._snapshot

    def next_deadline(self) -> float | None:
        """When time alone will change the snapshot: an ejection or a drain ends. None: not at all."""
        return min((r.next_deadline for r in self._rosters.values() if r.next_deadline is not None), default=None)

    def panicking(self) -> list[str]:
        """Services whose checks are ignored because too many backends fail them."""
        return [name for name, roster in self._rosters.items() if roster.is_panicking]


def _is_same(before: Mapping[str, Service], after: Mapping[str, Service]) -> bool:
    return before.keys() == after.keys() and all(after[name] is service for name, service in before.items())
