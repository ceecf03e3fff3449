"""Who may stay without being wanted, and for how long."""

from dataclasses import replace

import pytest

from lbproxy.dataplanes.ipvs.planning.desired import Desired, DestinationKey
from lbproxy.dataplanes.ipvs.planning.drain_tracker import SETTLING, DrainTracker
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    Key,
    ObservedDestination,
    ObservedService,
    VirtualService,
)
from lbproxy.model.address import Address
from lbproxy.model.snapshot import BackendKey, Policy, Snapshot

from .scene import ALPHA, BRAVO, dead, snapshot, web

KEY, OTHER = Address("192.0.2.1", 80), Address("192.0.2.2", 80)
HELD = {DestinationKey(KEY, ALPHA): "web"}
SERVICE = VirtualService(KEY, "lc", {})
LISTED = snapshot(web(OTHER, ALPHA))


def kept(leaving: DrainTracker, now: float, state: Snapshot = LISTED, *, active: int = 0,
         inactive: int = 0) -> dict[Address, Destination]:
    """What stays of a virtual service that nobody wants, and that has one backend."""
    found = ObservedDestination(Destination(ALPHA, 1), active, inactive)
    table = leaving.keep({}, {KEY: ObservedService(KEY, "wlc", {ALPHA: found})}, state, now)
    return dict(table[KEY].destinations) if table else {}


def test_member_stays_closed_while_it_has_connections() -> None:
    leaving = DrainTracker(HELD)
    for now in (0.0, 10.0, 10_000.0):
        assert kept(leaving, now, active=1) == {ALPHA: Destination(ALPHA, 0)}
    assert kept(leaving, 10_001.0) == {}


def test_who_was_open_when_it_was_read_stays_for_another_look() -> None:
    leaving = DrainTracker(HELD)
    assert kept(leaving, 0.0)
    assert not kept(leaving, 0.5)


def test_who_may_have_a_connection_in_the_making_stays_for_a_while() -> None:
    leaving = DrainTracker(HELD)
    assert kept(leaving, 0.0, inactive=1)
    assert kept(leaving, SETTLING - 0.1, inactive=1)
    assert not kept(leaving, SETTLING, inactive=1)


@pytest.mark.parametrize("state", [snapshot(), snapshot(web(OTHER, BRAVO)), snapshot(web(OTHER, dead(ALPHA)))])
def test_who_has_left_its_service_or_is_dead_goes_at_once(state: Snapshot) -> None:
    assert not kept(DrainTracker(HELD), 0.0, state, active=5)


def test_stranger_goes_with_its_last_connection_or_when_time_is_over() -> None:
    state = snapshot(web(OTHER, BRAVO, policy=Policy(drain_timeout=30.0)))
    leaving = DrainTracker()
    assert kept(leaving, 0.0, state, active=1)
    assert kept(leaving, 29.0, state, active=1)
    assert not kept(leaving, 30.0, state, active=1)
    leaving = DrainTracker()
    assert kept(leaving, 0.0, state)
    assert not kept(leaving, 1.0, state)


def test_member_that_returns_is_as_wanted() -> None:
    leaving = DrainTracker(HELD)
    kept(leaving, 0.0, active=1)
    wanted = Desired({KEY: replace(SERVICE, destinations={ALPHA: Destination(ALPHA, 7)})}, {KEY: "web"})
    found: dict[Key, ObservedService] = {
        KEY: ObservedService(KEY, "lc", {ALPHA: ObservedDestination(Destination(ALPHA, 0), 1)})}
    assert leaving.keep(wanted.services, found, LISTED, 1.0) == wanted.services


def test_closed_backend_is_unsettled_until_what_it_was_given_is_counted() -> None:
    leaving = DrainTracker(HELD)
    service = replace(SERVICE, destinations={ALPHA: Destination(ALPHA, 0)})
    found: dict[Key, ObservedService] = {
        KEY: ObservedService(KEY, "lc", {ALPHA: ObservedDestination(Destination(ALPHA, 1), 0, 1)})}
    for now, unsettled in ((0.0, {BackendKey("web", ALPHA)}), (1.0, {BackendKey("web", ALPHA)}), (SETTLING, set())):
        leaving.keep({KEY: service}, found, LISTED, now)
        assert leaving.unsettled(found, now) == unsettled


def test_forgotten_destinations_have_no_holder() -> None:
    leaving = DrainTracker(HELD)
    leaving.adopt(Desired(), LISTED)
    assert not leaving.holders
