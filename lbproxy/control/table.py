"""The backend table: what sources say, and what only we know (checks, ejection, draining), gives one snapshot.

Pure: no clock, no task, no socket. The caller says what time it is, in seconds on the monotonic clock; `next_deadline`
says when time alone changes the table. Services and backends that did not change stay the same objects from one
snapshot to the next: `model.diff` depends on it.
"""

from collections.abc import Mapping

from lbproxy.control.backend_state import BackendState
from lbproxy.control.drain import DrainOrders, has_ended
from lbproxy.control.service_state import ServiceState
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import DrainOrder
from lbproxy.model.snapshot import BackendKey, Service, Services, Snapshot


class Table:
    """Every service. One owner changes it, without an await in between."""

    def __init__(self) -> None:
        self._services: dict[str, ServiceState] = {}
        self._orders: dict[str, DrainOrders] = {}
        self._changed: set[str] = set()
        self._snapshot = Snapshot(0, {})

    def publish(self, services: Services) -> None:
        """Take the complete set of services: the backends of an absent service drain."""
        # Also those that are absent now: they are told so (None), and stay in the table while their backends drain.
        for name in {**self._services, **services}:
            spec = services.get(name)
            service = self._services.get(name)
            if service is None and spec is not None:
                service = self._services[name] = ServiceState(spec, self._orders.setdefault(name, DrainOrders()))
            if service is not None and service.publish(spec):
                self._changed.add(name)

    def report(self, key: BackendKey, failure: str | None) -> None:
        """Take the verdict of the active checks: None for alive, else why the backend counts as dead."""
        service = self._services.get(key.service)
        if service is not None and service.report(key.address, failure):
            self._changed.add(key.service)

    def eject(self, key: BackendKey, now: float) -> float | None:
        """Eject a backend whose connects failed in a row, and return for how many seconds.

        None if it stays in use: it is ejected already, or half of its service's backends are.
        """
        service = self._services.get(key.service)
        seconds = service.eject(key.address, now) if service is not None else None
        if seconds is not None:
            self._changed.add(key.service)
        return seconds

    def drain(self, key: BackendKey, order: DrainOrder) -> bool:
        """Drain a backend until the order ends (see `control.drain`); False if there is no such backend."""
        # A name that was mistyped must be an error for the operator, and not an order that waits for a backend.
        if key.address not in self.backends(key.service):
            return False
        self._orders[key.service].add(key.address, order)
        self._changed.add(key.service)
        return True

    def undrain(self, key: BackendKey) -> bool:
        """End an operator's order, also one for an absent backend; False if there was none."""
        was_ordered = key.service in self._orders and self._orders[key.service].end(key.address)
        if was_ordered and key.service in self._services:
            self._changed.add(key.service)
        return was_ordered

    def note_applied(self) -> None:
        """The dataplane has applied the latest snapshot: deadlines that it carried out are over."""
        self._changed.update(name for name, service in self._services.items()
                             if service.orders and service.orders.note_applied(service.backends))

    @property
    def is_stale(self) -> bool:
        """Something has changed since the latest snapshot was made."""
        return bool(self._changed)

    def drain_orders(self, now: float) -> dict[BackendKey, DrainOrder]:
        """Every order that is in force, also those for absent backends."""
        return {BackendKey(name, address): order for name, orders in self._orders.items()
                for address, order in orders.items() if not has_ended(order, now)}

    def backends(self, service: str) -> Mapping[Address, BackendState]:
        """The facts about a service's backends, to be read at once and not kept; empty if there is no such service."""
        found = self._services.get(service)
        return found.backends if found else {}

    def forget(self, key: BackendKey) -> None:
        """Drop a removed backend that has no connection left, before its deadline."""
        service = self._services.get(key.service)
        if service is not None and service.forget(key.address):
            self._changed.add(key.service)

    def removed(self) -> list[BackendKey]:
        """Backends that the source no longer has and that stay only for their connections, ordered by service."""
        return [BackendKey(name, address) for name, service in self._services.items()
                for address in sorted(service.removed)]

    def has_removed(self) -> bool:
        """Whether there are such backends."""
        return any(service.removed for service in self._services.values())

    def snapshot(self, now: float) -> Snapshot:
        """The state at this moment; the same object as before if nothing changed."""
        for name, state in self._services.items():
            if state.next_deadline is not None and state.next_deadline <= now:
                self._changed.add(name)
        before = self._snapshot.services
        # A copy: the last snapshot is immutable and still in use by dataplane, admin server and checks.
        services = dict(before)
        for name in sorted(self._changed):  # sorted, so that logs and tests see the same order each time
            service = self._services[name].evaluate(now)
            if service is None:
                del self._services[name]
                self._orders[name].expire((), now)  # its orders stay, in case the service comes back
                services.pop(name, None)
            else:
                services[name] = service
        self._changed.clear()
        if not _is_same(before, services):
            self._snapshot = Snapshot(self._snapshot.version + 1, services)
        return self._snapshot

    def next_deadline(self) -> float | None:
        """When time alone changes the snapshot: an ejection or a drain ends. None: never."""
        return min((one.next_deadline for one in self._services.values() if one.next_deadline is not None),
                   default=None)

    def panicking(self) -> list[str]:
        """Services whose checks are ignored because too many backends fail them."""
        return [name for name, service in self._services.items() if service.is_panicking]


def _is_same(before: Mapping[str, Service], after: Mapping[str, Service]) -> bool:
    return before.keys() == after.keys() and all(after[name] is service for name, service in before.items())
