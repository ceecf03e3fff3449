"""A roster judges only what changed; whatever has happened, the outcome is that of judging everything from scratch."""

from dataclasses import replace
from operator import attrgetter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lbproxy.control.backend_state import BackendState, judge
from lbproxy.control.service_state import EJECTED_SHARE, PANIC_SHARE, ServiceState
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import DrainOrder, DrainOrders
from lbproxy.model.snapshot import Endpoint, Policy, ServiceSpec, State

from .values import LISTEN, at

DRAIN_TIMEOUTS = (0.0, 15.0, 60.0)
ADDRESSES = tuple(map(at, range(1, 7)))
KINDS = ((1, True, True, False), (9, True, True, False), (1, False, True, True), (1, False, False, False),
         (0, True, True, False))
POOL = [Endpoint(address, *kind) for address in ADDRESSES for kind in KINDS]
"""The same objects again and again: what a source says of an endpoint that did not change."""
endpoints = st.lists(st.sampled_from(POOL), min_size=3, max_size=6, unique_by=attrgetter("address"))
complete = st.builds(
    ServiceSpec, st.just("web"), st.just((LISTEN,)), endpoints.map(tuple),
    st.sampled_from(DRAIN_TIMEOUTS).map(lambda timeout: Policy(drain_timeout=timeout)))
addresses = st.sampled_from(ADDRESSES)

Shown = tuple[int, State, str, bool, float | None]


class AnyRoster(RuleBasedStateMachine):
    """Several things may happen between two judgements."""

    @initialize(spec=complete)
    def start(self, spec: ServiceSpec) -> None:
        self.now = 1000.0
        self.roster = ServiceState(spec, DrainOrders())
        self.roster.publish(spec)

    @rule(spec=complete)
    def publish(self, spec: ServiceSpec) -> None:
        self.roster.publish(spec)

    @rule()
    def publish_nothing(self) -> None:
        self.roster.publish(None)

    @rule(address=addresses, failure=st.sampled_from((None, "refused")))
    def report(self, address: Address, failure: str | None) -> None:
        self.roster.report(address, failure)

    @rule(address=addresses)
    def eject(self, address: Address) -> None:
        entry = self.roster.entries.get(address)
        is_allowed = entry is not None and may_eject(self.roster, entry, self.now)
        assert (self.roster.eject(address, self.now) is not None) == is_allowed

    @rule(address=addresses)
    def forget(self, address: Address) -> None:
        self.roster.forget(address)

    @rule(address=addresses, seconds=st.sampled_from((None, 5.0, 60.0)), deadline=st.sampled_from((None, 0.0, 5.0)))
    def order(self, address: Address, seconds: float | None, deadline: float | None) -> None:
        if address in self.roster.entries:
            until, reset = (None if limit is None else self.now + limit for limit in (seconds, deadline))
            self.roster.orders.give(address, DrainOrder(until, reset))

    @rule(address=addresses)
    def take_back(self, address: Address) -> None:
        self.roster.orders.take_back(address)

    @rule()
    def confirm(self) -> None:
        self.judge()
        self.roster.confirm()

    @rule(seconds=st.sampled_from((0.001, 5.0, 10.0, 60.0, 400.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(failing=st.lists(addresses, unique=True))
    def fail_one_after_the_other(self, failing: list[Address]) -> None:
        for address in failing:
            self.roster.report(address, "refused")
            self.judge()

    @rule(spec=complete, count=st.integers(0, 3))
    def change_some_and_judge(self, spec: ServiceSpec, count: int) -> None:
        self.judge()
        fresh = spec.endpoints[:count]
        rest = [one for one in self.roster.spec.endpoints if one.address not in {new.address for new in fresh}]
        self.roster.publish(replace(spec, endpoints=(*rest, *fresh)))
        self.judge()

    @rule()
    def judge(self) -> None:
        service = self.roster.judge(self.now)
        shown = {one.address: (one.weight, one.state, one.reason, one.is_open, one.deadline)
                 for one in (service.backends if service else ())}
        assert shown == from_scratch(self.roster, self.now)
        assert self.roster.is_panicking == is_panicking(self.roster)
        assert self.roster.next_deadline == next_deadline(self.roster, self.now)

    @invariant()
    def removed_are_those_that_the_source_no_longer_has(self) -> None:
        entries = self.roster.entries.items()
        assert self.roster.removed == {address for address, entry in entries if entry.endpoint is None}


def wanted(roster: ServiceState) -> list[BackendState]:
    return [entry for entry in roster.entries.values() if entry.is_wanted()]


def is_panicking(roster: ServiceState) -> bool:
    return sum(entry.failure is not None for entry in wanted(roster)) > PANIC_SHARE * len(wanted(roster))


def may_eject(roster: ServiceState, entry: BackendState, now: float) -> bool:
    ejected = sum(other.ejected_until > now for other in wanted(roster))
    return (entry.is_wanted() and entry.ejected_until <= now
            and ejected + 1 <= EJECTED_SHARE * len(wanted(roster)))


def from_scratch(roster: ServiceState, now: float) -> dict[Address, Shown]:
    """What the roster is to show, looking at each backend."""
    verdicts = {entry.address: judge(entry, now, trusts_checks=not is_panicking(roster))
                for entry in roster.entries.values()}
    has_active = any(state is State.ACTIVE for state, _ in verdicts.values())
    shown: dict[Address, Shown] = {}
    for address, (state, reason) in verdicts.items():
        entry = roster.entries[address]
        if not entry.is_overdue(now):
            is_open = state is State.ACTIVE or (not has_active and entry.is_last_resort())
            deadline = entry.drain_deadline(now, roster.spec.policy.drain_timeout)
            shown[address] = (entry.endpoint.weight if entry.endpoint else 0, state, reason, is_open, deadline)
    return shown


def next_deadline(roster: ServiceState, now: float) -> float | None:
    times = [time for entry in roster.entries.values()
             for time in (entry.deadline, entry.ejected_until, entry.order.until if entry.order else None)]
    return min((time for time in times if time is not None and time > now), default=None)


def test_first_doubt_of_the_checks_brings_back_who_had_failed_before() -> None:
    roster = listed(Endpoint(at(1)), Endpoint(at(2)), Endpoint(at(3)))
    roster.report(at(1), "refused")
    assert states(roster) == [State.DOWN, State.ACTIVE, State.ACTIVE]
    roster.report(at(2), "refused")
    assert states(roster) == [State.ACTIVE, State.ACTIVE, State.ACTIVE]


def test_last_active_backend_that_goes_opens_the_last_resort_which_did_not_change() -> None:
    leaving = Endpoint(at(1), is_ready=False, is_terminating=True)
    roster = listed(leaving, Endpoint(at(2)))
    assert opened(roster) == [at(2)]
    roster.publish(ServiceSpec("web", (LISTEN,), (leaving, Endpoint(at(2), is_ready=False, is_serving=False))))
    assert opened(roster) == [at(1)]


def listed(*endpoints: Endpoint) -> ServiceState:
    roster = ServiceState(ServiceSpec("web", (LISTEN,), endpoints), DrainOrders())
    roster.publish(roster.spec)
    return roster


def states(roster: ServiceState) -> list[State]:
    service = roster.judge(0.0)
    return [one.state for one in service.backends] if service else []


def opened(roster: ServiceState) -> list[Address]:
    service = roster.judge(0.0)
    return [one.address for one in service.backends if one.is_open] if service else []


TestAnyRoster = AnyRoster.TestCase
TestAnyRoster.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
