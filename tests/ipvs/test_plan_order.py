"""Backends open before others close: no order of steps leaves a service without one in between."""

import pytest

from lbproxy.dataplanes.ipvs.planning.plan import plan
from lbproxy.dataplanes.ipvs.planning.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    SetDestination,
    Step,
)
from lbproxy.dataplanes.ipvs.planning.values import Destination, ObservedDestination, ObservedService, VirtualService
from lbproxy.model.address import Address

from .scene import ALPHA, BRAVO, CHARLIE

KEY, OTHER = Address("192.0.2.1", 80), Address("192.0.2.2", 80)


def steps(before: dict[Address, int], after: dict[Address, int]) -> list[Step]:
    """The plan from some weights to others, in one virtual service."""
    found = {address: ObservedDestination(Destination(address, weight)) for address, weight in before.items()}
    wanted = {address: Destination(address, weight) for address, weight in after.items()}
    return [*plan({KEY: VirtualService(KEY, "lc", wanted)}, {KEY: ObservedService(KEY, "lc", found)}, {KEY}, hash)]


@pytest.mark.parametrize("after", [{ALPHA: 0, BRAVO: 1}, {BRAVO: 1, ALPHA: 0}])
@pytest.mark.parametrize("before", [{ALPHA: 1, BRAVO: 0}, {BRAVO: 0, ALPHA: 1}])
def test_backend_opens_before_another_closes(before: dict[Address, int], after: dict[Address, int]) -> None:
    assert steps(before, after) == [
        SetDestination(KEY, Destination(BRAVO, 1)), SetDestination(KEY, Destination(ALPHA, 0))]


def test_backend_is_added_before_another_closes() -> None:
    assert steps({ALPHA: 1}, {ALPHA: 0, BRAVO: 1}) == [
        AddDestination(KEY, Destination(BRAVO, 1)), SetDestination(KEY, Destination(ALPHA, 0))]


def test_backend_is_added_before_another_is_deleted() -> None:
    assert steps({ALPHA: 1}, {BRAVO: 1}) == [
        AddDestination(KEY, Destination(BRAVO, 1)), DeleteDestination(KEY, ALPHA)]


def test_backend_opens_before_another_is_deleted() -> None:
    assert steps({ALPHA: 1, BRAVO: 0}, {BRAVO: 1}) == [
        SetDestination(KEY, Destination(BRAVO, 1)), DeleteDestination(KEY, ALPHA)]


def test_all_four_kinds_of_steps_are_in_order() -> None:
    delta = Address("127.0.0.1", 9004)
    assert steps({ALPHA: 1, BRAVO: 0, CHARLIE: 1}, {ALPHA: 0, BRAVO: 1, delta: 1}) == [
        AddDestination(KEY, Destination(delta, 1)), SetDestination(KEY, Destination(BRAVO, 1)),
        SetDestination(KEY, Destination(ALPHA, 0)), DeleteDestination(KEY, CHARLIE)]


def test_service_and_its_backends_are_added_before_another_service_is_deleted() -> None:
    found = ObservedService(OTHER, "lc", {ALPHA: ObservedDestination(Destination(ALPHA, 1))})
    wanted = VirtualService(KEY, "lc", {ALPHA: Destination(ALPHA, 1)})
    assert [*plan({KEY: wanted}, {OTHER: found}, {KEY, OTHER}, hash)] == [
        AddService(KEY, "lc"), AddDestination(KEY, Destination(ALPHA, 1)), DeleteService(OTHER)]
