"""What is counted only grows, whatever the kernel deletes, revives and begins anew."""

from dataclasses import replace

from lbproxy.dataplanes.ipvs.planning.counter_store import DRAIN_TIMEOUT, ENDED, REMEMBERED, CounterStore
from lbproxy.dataplanes.ipvs.planning.values import (
    Counters,
    Destination,
    DestinationKey,
    ObservedDestination,
    ObservedService,
)
from lbproxy.model.address import Address
from lbproxy.model.snapshot import BackendKey
from lbproxy.model.stats import BackendStats

from .scene import ALPHA, snapshot, web

KEY, OTHER = Address("192.0.2.1", 80), Address("192.0.2.1", 81)
WEB = BackendKey("web", ALPHA)
OWNERS = {DestinationKey(KEY, ALPHA): "web", DestinationKey(OTHER, ALPHA): "web"}


class Counting(CounterStore):
    """A store with one service and one backend."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.track(snapshot(web(KEY, ALPHA)), set())

    def see(self, connections: int, active: int = 0, inactive: int = 0, *, received: int = 0) -> BackendStats:
        """Read a dump in which the backend has so many."""
        self.now += 1
        found = ObservedDestination(Destination(ALPHA, 1), active, inactive, Counters(connections, received, 0))
        self.update({KEY: ObservedService(KEY, "lc", {ALPHA: found})}, OWNERS, self.now)
        return self.backends[WEB]


def test_what_a_new_destination_counts_is_counted_from_its_first_connection() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    assert store.see(3, 2, 1, received=50).connections == 3
    assert store.see(5, 2, 1, received=70).bytes_received == 70
    assert store.services["web"].accepted == 5


def test_of_an_inherited_destination_only_what_it_still_has_is_counted() -> None:
    store = Counting()
    assert store.see(1000, 2, 1, received=10_000).connections == 2
    assert store.see(1001, 3, 1, received=10_500).connections == 3
    assert store.backends[WEB].bytes_received == 500


def test_counters_that_begin_anew_add_up() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    store.see(10, received=100)
    assert store.see(2, received=30).connections == 12
    assert store.backends[WEB].bytes_received == 130


def test_counters_that_are_revived_are_not_counted_twice() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    store.see(10)
    store.track(snapshot(web(KEY)), set())
    store.track(snapshot(web(KEY, ALPHA)), set())
    store.start_at_zero(DestinationKey(KEY, ALPHA), store.now)
    assert store.see(11).connections == 1


def test_counters_of_a_service_made_anew_are_not_taken_for_revived_ones() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    store.see(3)
    store.forget_service(KEY)
    store.start_at_zero(DestinationKey(KEY, ALPHA), store.now)
    assert store.see(5).connections == 8


def test_addresses_of_one_service_are_summed() -> None:
    store = Counting()
    found = ObservedDestination(Destination(ALPHA, 1), 2, 0, Counters(2))
    store.update({key: ObservedService(key, "lc", {ALPHA: found}) for key in (KEY, OTHER)}, OWNERS, 1.0)
    assert (store.backends[WEB].active, store.backends[WEB].connections) == (4, 4)


def test_connections_that_are_no_longer_established_have_ended() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    assert store.see(3, 3).closed == {}
    assert store.see(3, 1, 2).closed == {ENDED: 2}
    assert store.see(4, 2, 0).closed == {ENDED: 2}


def test_ends_never_go_backwards() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    assert store.see(3, 2, 1).closed == {ENDED: 1}
    assert store.see(3, 3, 0).closed == {ENDED: 1}
    assert store.see(3, 0, 3).closed == {ENDED: 3}


def test_what_was_cut_is_not_counted_as_ended_too() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    store.see(3, 3)
    store.count_closed(WEB, DRAIN_TIMEOUT, 3)
    store.update({}, OWNERS, 2.0)
    assert store.services["web"].closed == {ENDED: 0, DRAIN_TIMEOUT: 3, "backend_dead": 0, "shutdown": 0}


def test_what_is_long_gone_is_forgotten() -> None:
    store = Counting()
    store.see(3)
    store.update({}, {}, 2 * REMEMBERED)
    assert not store._last


def test_a_reading_does_not_change_afterwards() -> None:
    store = Counting()
    store.start_at_zero(DestinationKey(KEY, ALPHA), 0.0)
    store.see(1, 1)
    store.track(snapshot(web(KEY, ALPHA)), set())
    reading = store.published
    store.see(5)
    assert reading.backends[WEB].connections == 1


def test_a_backend_that_is_left_out_to_reset_its_connections_counts_on() -> None:
    store = Counting()
    store.see(3, active=3)
    left_out = replace(web(KEY), left_out=frozenset({ALPHA}))
    store.count_closed(WEB, DRAIN_TIMEOUT, 3)
    store.track(snapshot(left_out), set())
    store.update({}, OWNERS, 2.0)
    store.track(snapshot(web(KEY, ALPHA)), set())
    assert (store.backends[WEB].connections, store.backends[WEB].closed) == (3, {DRAIN_TIMEOUT: 3})
    assert store.see(5, active=1).connections == 5
    store.track(snapshot(web(KEY)), set())
    assert WEB not in store.backends
