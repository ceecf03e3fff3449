"""Any dataplane: which backends get new connections, which keep those they have, and how evenly."""

from collections.abc import Callable

import pytest

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend as BackendState
from lbproxy.model.snapshot import Policy, Scheduler
from tests.support.peers import Backend

from .harness import Harness, active, down, draining, web

pytestmark = pytest.mark.asyncio(loop_scope="module")

Leave = Callable[[Backend], BackendState]


async def test_new_backend_gets_connections_and_the_others_keep_theirs(harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    clients = await harness.clients(listen, 60)  # so many that every worker has some
    await harness.apply(web(listen, active(alpha), active(bravo)))
    assert await harness.served_by(listen, 4) == {"bravo": 4}
    assert [await client.ask() for client in clients] == ["alpha"] * 60


@pytest.mark.parametrize("leave", [draining, down])
async def test_backend_that_is_not_open_keeps_its_connections_and_gets_no_new_ones(
        harness: Harness, listen: Address, leave: Leave) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha), active(bravo)))
    clients = await harness.clients(listen, 8)
    await harness.apply(web(listen, leave(alpha), active(bravo)))
    assert await harness.served_by(listen, 12) == {"bravo": 12}
    assert [await client.ask() for client in clients] == list(clients.values())
    assert "alpha" in clients.values()


@pytest.mark.parametrize("leave", [draining, down])
async def test_backend_that_opens_again_gets_connections_and_keeps_the_old(
        harness: Harness, listen: Address, leave: Leave) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.apply(web(listen, leave(alpha)))
    assert await harness.is_refused(listen)
    await harness.apply(web(listen, active(alpha)))
    assert await harness.served_by(listen, 2) == {"alpha": 2}
    assert await client.ask() == "alpha"


async def test_last_resort_gets_connections_though_it_drains(harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, draining(alpha, is_open=True), down(bravo)))
    assert await harness.served_by(listen, 3) == {"alpha": 3}


async def test_backend_of_weight_zero_gets_nothing(harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha), active(bravo)))
    clients = await harness.clients(listen, 8)
    await harness.apply(web(listen, active(alpha, weight=0), active(bravo)))
    assert await harness.served_by(listen, 6) == {"bravo": 6}
    assert [await client.ask() for client in clients] == list(clients.values())


async def test_absent_backend_loses_its_connections_and_the_others_keep_theirs(
        harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha), active(bravo)))
    clients = await harness.clients(listen, 8)
    await harness.apply(web(listen, active(bravo)))
    assert {await harness.is_reset(client) for client, name in clients.items() if name == "alpha"} == {True}
    assert {await client.ask() for client, name in clients.items() if name == "bravo"} == {"bravo"}
    assert await harness.served_by(listen, 2) == {"bravo": 2}


async def test_absent_backend_of_one_service_keeps_its_connections_in_another(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    other = web(other_listen, active(alpha), name="other")
    await harness.apply(web(listen, active(alpha)), other)
    lost, client = await harness.client(listen), await harness.client(other_listen)
    await harness.apply(web(listen), other)
    assert await harness.is_reset(lost)
    assert await client.ask() == "alpha"


async def test_backend_that_returns_after_it_was_absent_serves_again(harness: Harness, listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    for _ in range(3):
        await harness.apply(web(listen, active(alpha)))
        client = await harness.client(listen)
        await harness.apply(web(listen))
        assert await harness.is_reset(client)


async def test_backends_share_connections_evenly(harness: Harness, listen: Address) -> None:
    started = await harness.backends("alpha", "bravo", "charlie")
    await harness.apply(web(listen, *map(active, started)))
    shares = await harness.served_by(listen, 30)
    assert max(shares.values()) - min(shares.values()) <= harness.kind.spread
    assert len(shares) == 3


async def test_backend_whose_clients_have_left_gets_the_next(harness: Harness, listen: Address) -> None:
    started = await harness.backends("alpha", "bravo", "charlie")
    await harness.apply(web(listen, *map(active, started)))
    clients = await harness.clients(listen, 60)  # so many that every worker has some of each backend
    for client, name in clients.items():
        if name == "bravo":
            client.close()
    await harness.until(lambda: harness.active()[started[1].address] == 0)
    assert await harness.served_by(listen, 4) == {"bravo": 4}


async def test_weights_share_connections_out(harness: Harness, listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    policy = Policy(scheduler=Scheduler.WLC)
    await harness.apply(web(listen, active(alpha, weight=1), active(bravo, weight=3), policy=policy))
    assert abs((await harness.served_by(listen, 40))["bravo"] - 30) <= harness.kind.spread
