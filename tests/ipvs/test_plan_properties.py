"""From whatever the kernel holds, a plan's steps lead to what it should hold, and touch no other program's service."""

import socket

from hypothesis import given
from hypothesis import strategies as st

from lbproxy.dataplanes.ipvs.planning.plan import conflicts, plan, plan_timeouts
from lbproxy.dataplanes.ipvs.planning.steps import DeleteDestination, SetDestination, SetService, SetTimeouts, Step
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    Mark,
    ObservedDestination,
    ObservedService,
    ServiceKey,
    Timeouts,
    VirtualService,
)
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy

from .fake_kernel import FakeKernel
from .scene import snapshot, web

Services = dict[ServiceKey, VirtualService]
Held = dict[ServiceKey, ObservedService]

keys: st.SearchStrategy[ServiceKey] = st.one_of(
    st.builds(Address, st.sampled_from(["192.0.2.1", "2001:db8::1"]), st.integers(80, 82)),
    st.builds(Mark, st.sampled_from([socket.AF_INET, socket.AF_INET6]), st.integers(1, 3)))
addresses = {family: st.sets(st.builds(Address, st.just(host), st.integers(1, 5)))
             for family, host in ((socket.AF_INET, "10.0.0.1"), (socket.AF_INET6, "2001:db8::9"))}
schedulers = st.sampled_from(["lc", "wlc", "rr"])


@st.composite
def destinations(draw: st.DrawFn, key: ServiceKey) -> dict[Address, Destination]:
    some = draw(addresses[key.family])
    return {address: Destination(address, draw(st.integers(0, 2)), draw(st.integers(0, 1))) for address in some}


@st.composite
def desired(draw: st.DrawFn) -> Services:
    return {key: VirtualService(key, draw(schedulers), draw(destinations(key))) for key in draw(st.sets(keys))}


@st.composite
def held(draw: st.DrawFn) -> Held:
    return {key: ObservedService(key, draw(schedulers), {
        address: ObservedDestination(one, draw(st.integers(0, 2)), is_masquerading=draw(st.booleans()),
                                     has_lower_threshold=draw(st.booleans()))
        for address, one in draw(destinations(key)).items()}, is_plain=draw(st.booleans()))
        for key in draw(st.sets(keys))}


def perform(steps: list[Step], services: Held) -> FakeKernel:
    kernel = FakeKernel()
    kernel.services = dict(services)
    for step in steps:
        kernel.edit(step)
    return kernel


def said(services: Held) -> Services:
    return {key: VirtualService(key, one.scheduler, {
        address: found.destination for address, found in one.destinations.items()}) for key, one in services.items()}


@given(desired(), held(), st.sets(keys))
def test_steps_lead_to_what_is_wanted_and_leave_foreign_services_alone(
        wanted: Services, services: Held, ours: set[ServiceKey]) -> None:
    result = perform([*plan(wanted, services, ours, hash)], services).services
    foreign = services.keys() - ours
    assert {key: result[key] for key in foreign} == {key: services[key] for key in foreign}
    assert said({key: one for key, one in result.items() if key not in foreign}) == {
        key: one for key, one in wanted.items() if key not in foreign}
    assert set(conflicts(wanted, services, ours)) == wanted.keys() & foreign


@given(desired(), held(), st.sets(keys))
def test_plan_of_the_result_is_empty(wanted: Services, services: Held, ours: set[ServiceKey]) -> None:
    result = perform([*plan(wanted, services, ours, hash)], services).services
    assert [*plan(wanted, result, ours | wanted.keys() - services.keys(), hash)] == []


@given(desired(), held(), st.data())
def test_plan_after_a_half_done_one_does_the_rest(wanted: Services, services: Held, data: st.DataObject) -> None:
    ours = services.keys() | wanted.keys()
    steps = [*plan(wanted, services, ours, hash)]
    half = perform(steps[:data.draw(st.integers(0, len(steps)))], services).services
    assert said(perform([*plan(wanted, half, ours, hash)], half).services) == wanted


@given(desired(), held())
def test_what_stays_is_changed_in_place(wanted: Services, services: Held) -> None:
    ours = services.keys() | wanted.keys()
    for step in plan(wanted, services, ours, hash):
        if isinstance(step, DeleteDestination):
            assert step.address not in wanted[step.key].destinations


@given(desired(), held())
def test_a_service_with_an_open_backend_before_and_after_has_one_all_the_time(wanted: Services, services: Held) -> None:
    ours = services.keys() | wanted.keys()
    open_all_along = [key for key in wanted if key in services and _is_open(said(services)[key])
                      and _is_open(wanted[key])]
    kernel = FakeKernel()
    kernel.services = dict(services)
    for step in plan(wanted, services, ours, hash):
        kernel.edit(step)
        assert all(_is_open(said(kernel.services)[key]) for key in open_all_along)


def _is_open(service: VirtualService) -> bool:
    return any(one.weight for one in service.destinations.values())


def test_foreign_edits_of_our_own_are_undone() -> None:
    key, address = Address("192.0.2.1", 80), Address("10.0.0.1", 1)
    wanted = VirtualService(key, "lc", {address: Destination(address, 1)})
    found = ObservedDestination(Destination(address, 1), is_masquerading=False)
    services: Held = {key: ObservedService(key, "lc", {address: found}, is_plain=False)}
    assert [*plan({key: wanted}, services, {key}, hash)] == [
        SetService(key, "lc"), SetDestination(key, Destination(address, 1))]


def test_newcomers_are_added_in_the_given_order() -> None:
    key = Address("192.0.2.1", 80)
    members = {address: Destination(address, 1) for address in (Address("10.0.0.1", port) for port in range(1, 9))}
    steps = [*plan({key: VirtualService(key, "lc", members)}, {}, set(), lambda address: -address.port)]
    assert [step.destination.address.port for step in steps[1:]] == [8, 7, 6, 5, 4, 3, 2, 1]  # type: ignore[union-attr]


def test_timeouts_are_set_only_if_they_differ() -> None:
    state = snapshot(web(Address("192.0.2.1", 80), policy=Policy(idle_timeout=60.0)))
    assert [*plan_timeouts(state, Timeouts(60, 120, 300))] == []
    assert [*plan_timeouts(state, Timeouts(900, 120, 300))] == [SetTimeouts(Timeouts(60, 0, 0))]


def test_timeout_without_a_service_is_the_kernels_own() -> None:
    assert [*plan_timeouts(snapshot(), Timeouts(900, 120, 300))] == []
