"""One service in the table, with every backend that it has or still drains.

Judged are the backends of which something changed, and all of them only when what concerns all did: what one change
costs must not grow with ten thousand backends that did not change.
"""

from collections.abc import Iterable

from lbproxy.control.backend_state import BackendState, judge
from lbproxy.model.address import Address
from lbproxy.model.diff import removed_and_added
from lbproxy.model.drain_orders import DrainOrders
from lbproxy.model.snapshot import Backend, Service, ServiceSpec, State

PANIC_SHARE = 0.5
"""If more than this share of a service's backends fail their checks, it is the checks that are doubted."""
EJECTED_SHARE = 0.5
"""At most this share of a service's backends is ejected at a time."""


class ServiceState:
    """The backends of one service, and the judgement over them."""

    def __init__(self, spec: ServiceSpec, orders: DrainOrders) -> None:
        self.spec = spec
        self.orders = orders
        """What an operator wants; it outlives the roster."""
        self.is_listed = False
        """The source has this service."""
        self.is_panicking = False
        """So many backends fail their checks that the checks are ignored."""
        self.entries: dict[Address, BackendState] = {}
        self.removed: set[Address] = set()
        """Those that the source no longer has."""
        self.next_deadline: float | None = None
        """When time alone will change the judgement."""
        self._wanted: set[Address] = set()
        self._failing: set[Address] = set()
        self._ejected: set[Address] = set()
        self._active: set[Address] = set()
        self._times: dict[Address, float] = {}
        """When time alone will change the judgement of this one."""
        self._touched: set[Address] = set()
        """Those to be judged again."""
        self._service: Service | None = None
        self._obeyed: set[Address] = set()
        """Whose entries may hold an order."""

    def publish(self, spec: ServiceSpec | None) -> bool:
        """Take what the source says now (None: nothing any more) and return whether that is news."""
        before = self.spec if self.is_listed else None
        if spec is before or spec == before:
            return False
        left, joined = removed_and_added(before.endpoints if before else (), spec.endpoints if spec else ())
        self.is_listed = spec is not None
        self.spec = spec or self.spec
        for endpoint in joined:
            entry = self.entries.setdefault(endpoint.address, BackendState(endpoint.address))
            entry.endpoint = endpoint
            self._touch(entry)
        for address in {one.address for one in left} - {one.address for one in joined}:
            self.entries[address].endpoint = None
            self._touch(self.entries[address])
        return True

    def report(self, address: Address, failure: str | None) -> bool:
        """Take the verdict of the active checks, and return whether that is news."""
        entry = self.entries.get(address)
        if entry is None or entry.failure == failure:
            return False
        entry.failure = failure
        if failure is None:
            entry.ejected_until = 0.0  # found alive again: newer evidence than the failed connects
        self._touch(entry)
        return True

    def eject(self, address: Address, now: float) -> float | None:
        """Take a backend out, and return for how many seconds; None if it stays."""
        entry = self.entries.get(address)
        if entry is None or not self._may_eject(entry, now):
            return None
        seconds = entry.eject(now)
        self._touch(entry)
        return seconds

    def forget(self, address: Address) -> bool:
        """Drop a backend that the source no longer has, and return whether it was there."""
        if address not in self.removed:
            return False
        self._drop(address)
        return True

    def confirm(self) -> bool:
        """The dataplane has made the last judgement true; return whether orders were carried out by that."""
        done = [address for address in self.orders if self._is_carried_out(address)]
        for address in done:
            self.orders.carry_out(address)
        return bool(done)

    def judge(self, now: float) -> Service | None:
        """The service as a dataplane is to run it; None when nothing of it is left."""
        self._obey(now)
        was_panicking, had_active = self.is_panicking, bool(self._active)
        self.is_panicking = len(self._failing) > PANIC_SHARE * len(self._wanted)
        touched = self._touched | {address for address, time in self._times.items() if time <= now}
        self._expire(touched, now)
        if self.is_panicking != was_panicking:
            touched = set(self.entries)
        verdicts = self._verdicts(touched & self.entries.keys(), now)
        if bool(self._active) != had_active:
            verdicts = self._verdicts(self.entries, now)
        for entry, state, reason in verdicts:
            is_open = state is State.ACTIVE or (not self._active and entry.is_last_resort())
            self._note(entry, state, reason, now, is_open=is_open)
        # Whose time is over at once, as nobody may drain, is left out now and dropped the next time.
        self._touched = {entry.address for entry, _, _ in verdicts if entry.endpoint is None and entry.is_overdue(now)}
        self.next_deadline = min(self._times.values(), default=None)
        return self._build()

    def _touch(self, entry: BackendState) -> None:
        """Something of it changed: count it anew, and judge it the next time."""
        address, is_wanted = entry.address, entry.is_wanted()
        _mark(self._wanted, address, is_wanted)
        _mark(self._failing, address, is_wanted and entry.failure is not None)
        _mark(self._ejected, address, entry.ejected_until > 0)
        _mark(self.removed, address, entry.endpoint is None)
        self._touched.add(address)

    def _drop(self, address: Address) -> None:
        del self.entries[address]
        for kind in (self.removed, self._wanted, self._failing, self._ejected, self._active, self._touched):
            kind.discard(address)
        self._times.pop(address, None)

    def _may_eject(self, entry: BackendState, now: float) -> bool:
        """Whether another backend may be taken out, and this one is not out already."""
        ejected = sum(self.entries[address].ejected_until > now for address in self._ejected & self._wanted)
        return entry.is_wanted() and entry.ejected_until <= now and ejected + 1 <= EJECTED_SHARE * len(self._wanted)

    def _expire(self, addresses: Iterable[Address], now: float) -> None:
        for address in addresses:
            if address in self.removed and self.entries[address].is_overdue(now):
                self._drop(address)

    def _verdicts(self, addresses: Iterable[Address], now: float) -> list[tuple[BackendState, State, str]]:
        verdicts = [(self.entries[address], *judge(self.entries[address], now, trusts_checks=not self.is_panicking))
                    for address in addresses]
        for entry, state, _ in verdicts:
            _mark(self._active, entry.address, state is State.ACTIVE)
        return verdicts

    def _is_carried_out(self, address: Address) -> bool:
        entry, order = self.entries.get(address), self.orders.get(address)
        if entry is None or order is None or order is not entry.order or entry.backend is not None:
            return False
        return entry.endpoint is not None and order.deadline is not None and entry.deadline == order.deadline

    def _obey(self, now: float) -> None:
        """Tell the entries what was ordered; whose order is new or over is judged again."""
        if not self.orders and not self._obeyed:
            return
        self.orders.expire(self.entries, now)
        for address in {*self.orders, *self._obeyed} & self.entries.keys():
            entry, order = self.entries[address], self.orders.get(address)
            if entry.order is not order:
                entry.order = order
                self._touch(entry)
        self._obeyed = set(self.orders)

    def _note(self, entry: BackendState, state: State, reason: str, now: float, *, is_open: bool) -> None:
        entry.deadline = entry.drain_deadline(now, self.spec.policy.drain_timeout)
        self._time(entry, now)
        if entry.is_overdue(now):
            entry.backend = None  # still listed, but its time is over: what is left is reset
            return
        old = entry.backend
        since = old.since if old is not None and old.state is state else now
        weight = entry.endpoint.weight if entry.endpoint else 0
        is_dead = state is State.DOWN and entry.is_dead() and not self.is_panicking
        new = Backend(entry.address, weight, state, reason, since, is_open, entry.deadline, is_dead,
                      entry.ends_at(reason))
        entry.backend = old if old == new else new

    def _time(self, entry: BackendState, now: float) -> None:
        """Note when time alone will change it."""
        _mark(self._ejected, entry.address, entry.ejected_until > now)
        self._times.pop(entry.address, None)
        until = entry.order.until if entry.order else None
        times = [time for time in (entry.deadline, entry.ejected_until, until) if time is not None and time > now]
        if times:
            self._times[entry.address] = min(times)

    def _build(self) -> Service | None:
        backends = tuple([entry.backend for entry in self.entries.values() if entry.backend is not None])
        if not self.is_listed and not backends:
            return None
        spec, old = self.spec, self._service
        service = Service(spec.name, spec.listens if self.is_listed else (), spec.policy, backends,
                          is_known=spec.is_known, changed_at=spec.changed_at)
        self._service = old if old == service else service
        return self._service


def _mark(marked: set[Address], address: Address, is_marked: bool) -> None:  # noqa: FBT001 - the mark itself
    (marked.add if is_marked else marked.discard)(address)
