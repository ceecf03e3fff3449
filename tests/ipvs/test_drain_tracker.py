"""Which destinations may stay without being wanted, and for how long."""

from dataclasses import replace

import pytest

from lbproxy.dataplanes.ipvs.planning.desired import Desired
from lbproxy.dataplanes.ipvs.planning.drain_tracker import SETTLE_TIME, DrainTracker
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    DestinationKey,
    ObservedDestination,
    ObservedService,
    ServiceKey,
    VirtualService,
)
from lbproxy.model.address import Address
from lbproxy.model.snapshot import BackendKey, Policy, Snapshot

from .scene import ALPHA, BRAVO, dead, snapshot, web

KEY, OTHER = Address("192.0.2.1", 80), Address("192.0.2.2", 80)
HELD = {DestinationKey(KEY, ALPHA): "web"}
SERVICE = VirtualService(KEY, "lc", {})
LISTED = snapshot(web(OTHER, ALPHA))


def kept(drains: DrainTracker, now: float, state: Snapshot = LISTED, *, active: int = 0,
         inactive: int = 0) -> dict[Address, Destination]:
    """What stays of a virtual service that is no longer wanted, and that has one backend."""
    found = ObservedDestination(Destination(ALPHA, 1), active, inactive)
    table = drains.add_draining({}, {KEY: ObservedService(KEY, "wlc", {ALPHA: found})}, state, now)
    return dict(table[KEY].destinations) if table else {}


def test_member_stays_closed_while_it_has_connections() -> None:
    drains = DrainTracker(HELD)
    for now in (0.0, 10.0, 10_000.0):
        assert kept(drains, now, active=1) == {ALPHA: Destination(ALPHA, 0)}
    assert kept(drains, 10_001.0) == {}


def test_destination_that_was_open_when_it_was_read_stays_for_one_more_reading() -> None:
    drains = DrainTracker(HELD)
    assert kept(drains, 0.0)
    assert not kept(drains, 0.5)


def test_destination_with_a_connection_that_may_be_connecting_stays_for_the_settle_time() -> None:
    drains = DrainTracker(HELD)
    assert kept(drains, 0.0, inactive=1)
    assert kept(drains, SETTLE_TIME - 0.1, inactive=1)
    assert not kept(drains, SETTLE_TIME, inactive=1)


@pytest.mark.parametrize("state", [snapshot(), snapshot(web(OTHER, BRAVO)), snapshot(web(OTHER, dead(ALPHA)))])
def test_destination_whose_backend_is_removed_or_dead_goes_at_once(state: Snapshot) -> None:
    assert not kept(DrainTracker(HELD), 0.0, state, active=5)


def test_unowned_destination_goes_with_its_last_connection_or_after_the_drain_timeout() -> None:
    state = snapshot(web(OTHER, BRAVO, policy=Policy(drain_timeout=30.0)))
    drains = DrainTracker()
    assert kept(drains, 0.0, state, active=1)
    assert kept(drains, 29.0, state, active=1)
    assert not kept(drains, 30.0, state, active=1)
    drains = DrainTracker()
    assert kept(drains, 0.0, state)
    assert not kept(drains, 1.0, state)


def test_member_that_returns_is_as_wanted() -> None:
    drains = DrainTracker(HELD)
    kept(drains, 0.0, active=1)
    wanted = Desired({KEY: replace(SERVICE, destinations={ALPHA: Destination(ALPHA, 7)})}, {KEY: "web"})
    found: dict[ServiceKey, ObservedService] = {
        KEY: ObservedService(KEY, "lc", {ALPHA: ObservedDestination(Destination(ALPHA, 0), 1)})}
    assert drains.add_draining(wanted.services, found, LISTED, 1.0) == wanted.services


def test_closed_backend_is_unsettled_until_what_it_was_given_is_counted() -> None:
    drains = DrainTracker(HELD)
    service = replace(SERVICE, destinations={ALPHA: Destination(ALPHA, 0)})
    found: dict[ServiceKey, ObservedService] = {
        KEY: ObservedService(KEY, "lc", {ALPHA: ObservedDestination(Destination(ALPHA, 1), 0, 1)})}
    for now, unsettled in ((0.0, {BackendKey("web", ALPHA)}), (1.0, {BackendKey("web", ALPHA)}), (SETTLE_TIME, set())):
        drains.add_draining({KEY: service}, found, LISTED, now)
        assert drains.unsettled(found, now) == unsettled


def test_destinations_that_are_gone_have_no_owner() -> None:
    drains = DrainTracker(HELD)
    drains.set_owners(Desired(), LISTED)
    assert not drains.owners
