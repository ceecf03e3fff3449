"""A service evaluates only what changed; whatever happened, the outcome is that of evaluating every backend anew."""

from dataclasses import replace
from operator import attrgetter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lbproxy.control import drain
from lbproxy.control.backend_state import BackendState
from lbproxy.control.drain import DrainOrders
from lbproxy.control.service_state import EJECTED_SHARE, PANIC_SHARE, ServiceState, state_of
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import DrainOrder
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


class AnyServiceState(RuleBasedStateMachine):
    """Several things may happen between two evaluations."""

    @initialize(spec=complete)
    def start(self, spec: ServiceSpec) -> None:
        self.now = 1000.0
        self.service = ServiceState(spec, DrainOrders())
        self.service.publish(spec)

    @rule(spec=complete)
    def publish(self, spec: ServiceSpec) -> None:
        self.service.publish(spec)

    @rule()
    def publish_nothing(self) -> None:
        self.service.publish(None)

    @rule(address=addresses, failure=st.sampled_from((None, "refused")))
    def report(self, address: Address, failure: str | None) -> None:
        self.service.report(address, failure)

    @rule(address=addresses)
    def eject(self, address: Address) -> None:
        backend = self.service.backends.get(address)
        is_allowed = backend is not None and may_eject(self.service, backend, self.now)
        assert (self.service.eject(address, self.now) is not None) == is_allowed

    @rule(address=addresses)
    def forget(self, address: Address) -> None:
        self.service.forget(address)

    @rule(address=addresses, seconds=st.sampled_from((None, 5.0, 60.0)), deadline=st.sampled_from((None, 0.0, 5.0)))
    def drain(self, address: Address, seconds: float | None, deadline: float | None) -> None:
        if address in self.service.backends:
            until, reset = (None if limit is None else self.now + limit for limit in (seconds, deadline))
            self.service.orders.add(address, DrainOrder(until, reset))

    @rule(address=addresses)
    def undrain(self, address: Address) -> None:
        self.service.orders.end(address)

    @rule()
    def note_applied(self) -> None:
        self.evaluate()
        self.service.orders.note_applied(self.service.backends)

    @rule(seconds=st.sampled_from((0.001, 5.0, 10.0, 60.0, 400.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(failing=st.lists(addresses, unique=True))
    def fail_one_after_the_other(self, failing: list[Address]) -> None:
        for address in failing:
            self.service.report(address, "refused")
            self.evaluate()

    @rule(spec=complete, count=st.integers(0, 3))
    def change_some_and_evaluate(self, spec: ServiceSpec, count: int) -> None:
        self.evaluate()
        fresh = spec.endpoints[:count]
        rest = [one for one in self.service.spec.endpoints if one.address not in {new.address for new in fresh}]
        self.service.publish(replace(spec, endpoints=(*rest, *fresh)))
        self.evaluate()

    @rule()
    def evaluate(self) -> None:
        service = self.service.evaluate(self.now)
        shown = {one.address: (one.weight, one.state, one.reason, one.is_open, one.deadline)
                 for one in (service.backends if service else ())}
        assert shown == from_scratch(self.service, self.now)
        assert self.service.is_panicking == is_panicking(self.service)
        assert self.service.next_deadline == next_deadline(self.service, self.now)

    @invariant()
    def removed_are_those_that_the_source_no_longer_has(self) -> None:
        backends = self.service.backends.items()
        assert self.service.removed == {address for address, backend in backends if backend.endpoint is None}


def candidates(service: ServiceState) -> list[BackendState]:
    return [backend for backend in service.backends.values() if backend.is_candidate()]


def is_panicking(service: ServiceState) -> bool:
    return sum(backend.failure is not None for backend in candidates(service)) > PANIC_SHARE * len(candidates(service))


def may_eject(service: ServiceState, backend: BackendState, now: float) -> bool:
    ejected = sum(other.ejected_until > now for other in candidates(service))
    return (backend.is_candidate() and backend.ejected_until <= now
            and ejected + 1 <= EJECTED_SHARE * len(candidates(service)))


def from_scratch(service: ServiceState, now: float) -> dict[Address, Shown]:
    """What the service is to show, looking at each backend."""
    found = {backend.address: state_of(backend, now, trusts_checks=not is_panicking(service))
                for backend in service.backends.values()}
    has_active = any(state is State.ACTIVE for state, _ in found.values())
    shown: dict[Address, Shown] = {}
    for address, (state, reason) in found.items():
        backend = service.backends[address]
        if not drain.is_overdue(backend, now):
            is_open = state is State.ACTIVE or (not has_active and drain.is_last_resort(backend))
            deadline = drain.reset_deadline(backend, now, service.spec.policy.drain_timeout)
            shown[address] = (backend.endpoint.weight if backend.endpoint else 0, state, reason, is_open, deadline)
    return shown


def next_deadline(service: ServiceState, now: float) -> float | None:
    times = [time for backend in service.backends.values()
             for time in (backend.deadline, backend.ejected_until, backend.order.until if backend.order else None)]
    return min((time for time in times if time is not None and time > now), default=None)


def test_backend_that_failed_before_comes_back_when_the_checks_are_ignored() -> None:
    service = listed(Endpoint(at(1)), Endpoint(at(2)), Endpoint(at(3)))
    service.report(at(1), "refused")
    assert states(service) == [State.DOWN, State.ACTIVE, State.ACTIVE]
    service.report(at(2), "refused")
    assert states(service) == [State.ACTIVE, State.ACTIVE, State.ACTIVE]


def test_last_resort_is_opened_when_the_last_active_backend_goes_though_it_did_not_change() -> None:
    leaving = Endpoint(at(1), is_ready=False, is_terminating=True)
    service = listed(leaving, Endpoint(at(2)))
    assert opened(service) == [at(2)]
    service.publish(ServiceSpec("web", (LISTEN,), (leaving, Endpoint(at(2), is_ready=False, is_serving=False))))
    assert opened(service) == [at(1)]


def listed(*endpoints: Endpoint) -> ServiceState:
    service = ServiceState(ServiceSpec("web", (LISTEN,), endpoints), DrainOrders())
    service.publish(service.spec)
    return service


def states(state: ServiceState) -> list[State]:
    service = state.evaluate(0.0)
    return [one.state for one in service.backends] if service else []


def opened(state: ServiceState) -> list[Address]:
    service = state.evaluate(0.0)
    return [one.address for one in service.backends if one.is_open] if service else []


TestAnyServiceState = AnyServiceState.TestCase
TestAnyServiceState.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
