"""One service in the table, with every backend that it has or still drains."""

from collections.abc import Iterator

from lbproxy.entry import Entry, judge
from lbproxy.model import Address, Backend, Service, ServiceSpec, State

PANIC_SHARE = 0.5
"""If more than this share of a service's backends fail their checks, it is the checks that are doubted."""
EJECTED_SHARE = 0.5
"""At most this share of a service's backends is ejected at a time."""


class Roster:
    """The backends of one service, and the judgement over them."""

    def __init__(self, spec: ServiceSpec) -> None:
        self.spec = spec
        self.is_listed = False
        """The source has this service."""
        self.is_panicking = False
        """So many backends fail their checks that the checks are ignored."""
        self.entries: dict[Address, Entry] = {}
        self.next_deadline: float | None = None
        """When time alone will change the judgement."""
        self._service: Service | None = None

    def publish(self, spec: ServiceSpec | None) -> bool:
        """Take what the source says now (None: nothing any more) and return whether that is news."""
        if spec == (self.spec if self.is_listed else None):
            return False
        self.is_listed = spec is not None
        self.spec = spec or self.spec
        told = {endpoint.address: endpoint for endpoint in spec.endpoints} if spec else {}
        for address, endpoint in told.items():
            if address not in self.entries:
                self.entries[address] = Entry(address)
            self.entries[address].endpoint = endpoint
        for address in self.entries.keys() - told.keys():
            self.entries[address].endpoint = None
        return True

    def forget(self, address: Address) -> bool:
        """Drop a backend that the source no longer has, and return whether it was there."""
        entry = self.entries.get(address)
        if entry is None or entry.endpoint is not None:
            return False
        del self.entries[address]
        return True

    def may_eject(self, entry: Entry, now: float) -> bool:
        """Whether another backend may be taken out, and this one is not out already."""
        candidates = [other for other in self.entries.values() if other.is_wanted()]
        ejected = sum(other.ejected_until > now for other in candidates)
        return entry.is_wanted() and entry.ejected_until <= now and ejected + 1 <= EJECTED_SHARE * len(candidates)

    def judge(self, now: float) -> Service | None:
        """The service as a dataplane is to run it; None when nothing of it is left."""
        candidates = [entry for entry in self.entries.values() if entry.is_wanted()]
        failing = sum(entry.failure is not None for entry in candidates)
        self.is_panicking = failing > PANIC_SHARE * len(candidates)
        self._expire(now)
        verdicts = [(entry, *judge(entry, now, trusts_checks=not self.is_panicking)) for entry in self.entries.values()]
        has_active = any(state is State.ACTIVE for _, state, _ in verdicts)
        for entry, state, reason in verdicts:
            is_open = state is State.ACTIVE or (not has_active and entry.is_last_resort())
            self._note(entry, state, reason, now, is_open=is_open)
        self.next_deadline = min(self._deadlines(now), default=None)
        return self._build()

    def _expire(self, now: float) -> None:
        gone = [address for address, entry in self.entries.items() if entry.endpoint is None and entry.is_overdue(now)]
        for address in gone:
            del self.entries[address]

    def _note(self, entry: Entry, state: State, reason: str, now: float, *, is_open: bool) -> None:
        entry.deadline = entry.drain_deadline(now, self.spec.policy.drain_timeout)
        if entry.is_overdue(now):
            entry.backend = None  # still listed, but its time is over: what is left is reset
            return
        old = entry.backend
        since = old.since if old is not None and old.state is state else now
        weight = entry.endpoint.weight if entry.endpoint else 0
        is_dead = state is State.DOWN and entry.is_dead() and not self.is_panicking
        new = Backend(entry.address, weight, state, reason, since, is_open, entry.deadline, is_dead)
        entry.backend = old if old == new else new

    def _deadlines(self, now: float) -> Iterator[float]:
        for entry in self.entries.values():
            yield from (time for time in (entry.deadline, entry.ejected_until) if time is not None and time > now)

    def _build(self) -> Service | None:
        backends = tuple(entry.backend for entry in self.entries.values() if entry.backend is not None)
        if not self.is_listed and not backends:
            return None
        spec, old = self.spec, self._service
        service = Service(spec.name, spec.listens if self.is_listed else (), spec.policy, backends,
                          is_known=spec.is_known, changed_at=spec.changed_at)
        self._service = old if old == service else service
        return self._service
