"""What holds for the table whatever happens to it, in any order."""

from operator import attrgetter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lbproxy.control.table import Table
from lbproxy.model.snapshot import Backend, BackendKey, Endpoint, Policy, Services, ServiceSpec, Snapshot, State

from .values import LISTEN, OTHER_LISTEN, at

NAMES = ("api", "web")
ADDRESSES = tuple(map(at, range(1, 6)))


def by_name(specs: list[ServiceSpec]) -> Services:
    return {spec.name: spec for spec in specs}


endpoints = st.lists(st.builds(
    Endpoint, st.sampled_from(ADDRESSES), weight=st.sampled_from((0, 1, 9)), is_ready=st.booleans(),
    is_serving=st.booleans(), is_terminating=st.booleans()), max_size=5, unique_by=attrgetter("address"))
listens = st.sampled_from(((LISTEN,), (LISTEN, OTHER_LISTEN)))
policies = st.builds(Policy, drain_timeout=st.sampled_from((0.0, 15.0, 60.0)))
specs = st.builds(ServiceSpec, st.sampled_from(NAMES), listens, endpoints.map(tuple), policies)
complete_sets = st.lists(specs, max_size=2).map(by_name)
keys = st.builds(BackendKey, st.sampled_from(NAMES), st.sampled_from(ADDRESSES))


class AnyHistory(RuleBasedStateMachine):
    """Publishes, judges, forgets and waits at random, and looks at each snapshot."""

    @initialize()
    def start(self) -> None:
        self.table, self.now = Table(), 1000.0
        self.told: Services = {}
        self.snapshot = self.table.snapshot(self.now)

    @rule(told=complete_sets)
    def publish(self, told: Services) -> None:
        self.told = told
        self.table.publish(told)

    @rule(key=keys, failure=st.sampled_from((None, "refused", "timeout")))
    def report(self, key: BackendKey, failure: str | None) -> None:
        self.table.report(key, failure)

    @rule(key=keys)
    def eject(self, key: BackendKey) -> None:
        self.table.eject(key, self.now)

    @rule(key=keys)
    def forget(self, key: BackendKey) -> None:
        self.table.forget(key)

    @rule(seconds=st.sampled_from((0.001, 5.0, 10.0, 60.0, 400.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def look(self) -> None:
        before, self.snapshot = self.snapshot, self.table.snapshot(self.now)
        assert (self.snapshot is before) == (self.snapshot == before) == (self.snapshot.version == before.version)
        assert self.snapshot.version >= before.version
        assert_unchanged_is_identical(before, self.snapshot)
        assert_complete(self.snapshot, self.told, self.now)
        for service in self.snapshot.services.values():
            assert_sound(service.backends, self.now)

    @invariant()
    def time_alone_changes_nothing_before_the_next_deadline(self) -> None:
        deadline = self.table.next_deadline()
        assert deadline is None or deadline > self.now
        almost = self.now + 1e6 if deadline is None else (self.now + deadline) / 2
        assert self.table.snapshot(almost) is self.snapshot


def assert_unchanged_is_identical(before: Snapshot, after: Snapshot) -> None:
    for name in before.services.keys() & after.services.keys():
        old, new = before.services[name], after.services[name]
        assert (old is new) == (old == new)
        known = {one.address: one for one in old.backends}
        assert all(one is known[one.address] for one in new.backends if one == known.get(one.address))


def assert_complete(snapshot: Snapshot, told: Services, now: float) -> None:
    """Who is published is there, unless its time to drain is over; who is not drains."""
    assert told.keys() <= snapshot.services.keys()
    for name, service in snapshot.services.items():
        listed = {one.address: one for one in told[name].endpoints} if name in told else {}
        assert service.listens == (told[name].listens if name in told else ())
        shown = {one.address: one for one in service.backends}
        assert {address for address, one in listed.items() if not one.is_terminating} <= shown.keys()
        assert all(is_draining_for_good(one, now) for address, one in shown.items() if address not in listed)


def is_draining_for_good(backend: Backend, now: float) -> bool:
    return (backend.state, backend.is_open) == (State.DRAINING, False) and (backend.deadline or 0.0) > now


def assert_sound(backends: tuple[Backend, ...], now: float) -> None:
    assert len({one.address for one in backends}) == len(backends)
    assert all(one.is_open for one in backends if one.state is State.ACTIVE)
    assert all(one.since <= now for one in backends)
    if any(one.state is State.ACTIVE for one in backends):
        assert all(one.state is State.ACTIVE for one in backends if one.is_open)
    assert all(one.weight > 0 for one in backends if one.is_open)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
