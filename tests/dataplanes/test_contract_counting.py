"""Any dataplane: what is counted is exact, returns to zero where it should, and never goes backwards elsewhere."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend as BackendState
from lbproxy.model.snapshot import BackendKey, State
from tests.support.peers import Backend, Client

from .harness import Harness, active, draining, web

pytestmark = pytest.mark.asyncio(loop_scope="module")

Fault = Callable[[Client, Backend], None]


async def test_active_connections_are_counted_and_return_to_zero(harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha), draining(bravo)))
    clients = await harness.clients(listen, 5)
    await harness.look()
    assert harness.active() == {alpha.address: 5, bravo.address: 0}
    for client in clients:
        client.close()
    await harness.until(lambda: harness.active() == {alpha.address: 0, bravo.address: 0})


@pytest.mark.parametrize("fault", [
    lambda client, _: client.close(), lambda client, _: client.reset(), lambda _, backend: backend.reset_all(),
    lambda _, backend: backend.stop()], ids=["client leaves", "client resets", "backend resets", "backend stops"])
async def test_active_count_is_zero_and_the_end_is_counted_after_a_fault(
        harness: Harness, listen: Address, fault: Fault) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    fault(await harness.client(listen), alpha)
    await harness.until(lambda: harness.active() == {alpha.address: 0})
    await harness.catch_up()
    stats = harness.dataplane.stats().backends[BackendKey("web", alpha.address)]
    assert (stats.connections, sum(stats.closed.values())) == (1, 1)


async def test_backend_that_refuses_holds_nothing(harness: Harness, listen: Address) -> None:
    nobody = harness.free_backend()
    await harness.apply(web(listen, BackendState(nobody, 1, State.ACTIVE, "ready", 0.0)))
    assert await harness.is_refused(listen)
    await harness.until(lambda: harness.active() == {nobody: 0})


async def test_connections_are_counted_once_each(harness: Harness, listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    await harness.clients(listen, 7)
    await harness.catch_up()
    stats = harness.dataplane.stats()
    assert (stats.services["web"].accepted, stats.backends[BackendKey("web", alpha.address)].connections) == (7, 7)


async def test_bytes_are_counted_exactly_by_the_end_of_the_connection(harness: Harness, listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    await client.ask()
    client.close()
    await harness.until(lambda: harness.active() == {alpha.address: 0})
    await harness.catch_up()
    stats = harness.dataplane.stats().backends[BackendKey("web", alpha.address)]
    assert 0 <= stats.bytes_received - 2 * len("who?\n") <= harness.kind.overhead
    assert 0 <= stats.bytes_sent - 2 * len("alpha\n") <= harness.kind.overhead


async def test_totals_never_go_backwards(harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    before = harness.totals()
    for services in (
            [web(listen, active(alpha))], [web(listen, active(alpha), active(bravo))],
            [web(listen, draining(alpha), active(bravo)), web(other_listen, active(alpha), name="other")],
            [web(listen, draining(alpha), active(bravo))], [web(listen, active(alpha), active(bravo))]):
        await harness.apply(*services)
        clients = await harness.clients(listen, 3)
        await harness.look()
        after = harness.totals()
        assert all(after[name] >= before[name] for name in after.keys() & before.keys())
        next(iter(clients)).reset()
        before = after


async def test_what_left_the_snapshot_is_no_longer_counted(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha), active(bravo)), web(other_listen, active(alpha), name="other"))
    await harness.clients(listen, 4)
    await harness.client(other_listen)
    await harness.apply(web(listen, active(bravo)))
    assert set(harness.dataplane.stats().services) == {"web"}
    assert set(harness.dataplane.stats().backends) == {BackendKey("web", bravo.address)}


async def test_newcomer_does_not_inherit_the_counts_of_whom_it_replaces(harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.apply(web(listen, active(bravo)))
    assert await harness.is_reset(client)
    await harness.apply(web(listen, active(bravo), active(alpha)))
    stats = harness.dataplane.stats().backends[BackendKey("web", alpha.address)]
    assert (stats.active, stats.connections, stats.bytes_sent, sum(stats.closed.values())) == (0, 0, 0, 0)


async def test_counts_go_on_for_a_backend_that_was_left_out_to_reset_its_connections(
        harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.catch_up()
    key = BackendKey("web", alpha.address)
    before = replace(harness.dataplane.stats().backends[key])
    assert before.connections == 1
    await harness.apply(replace(web(listen, active(bravo)), left_out=frozenset({alpha.address})))
    assert await harness.is_reset(client)
    await harness.apply(web(listen, active(bravo), draining(alpha)))
    await harness.catch_up()
    after = harness.dataplane.stats().backends[key]
    assert (after.active, after.connections, sum(after.closed.values())) == (0, 1, 1)
    assert after.bytes_sent >= before.bytes_sent
    await harness.apply(replace(web(listen, active(bravo)), left_out=frozenset({alpha.address})))
    await harness.apply(web(listen, active(bravo)))
    assert set(harness.dataplane.stats().backends) == {BackendKey("web", bravo.address)}
