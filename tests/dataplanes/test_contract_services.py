"""Any dataplane: services and listen addresses come, change and go without touching anybody else's connections."""

import socket
from dataclasses import replace

import pytest

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy, Scheduler

from .stage import Stage, active, draining, web

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_clients_reach_the_backend_on_every_listen_address(stage: Stage, family: socket.AddressFamily) -> None:
    alpha, = await stage.backends("alpha", family=family)
    listens = (stage.free_listen(family), stage.free_listen(family))
    await stage.apply(replace(web(listens[0], active(alpha)), listens=listens))
    for address in listens:
        assert await stage.served_by(address, 3) == {"alpha": 3}


async def test_each_service_has_its_own_backends(stage: Stage, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await stage.backends("alpha", "bravo")
    await stage.apply(web(listen, active(alpha)), web(other_listen, active(bravo), name="other"))
    assert await stage.served_by(listen, 3) == {"alpha": 3}
    assert await stage.served_by(other_listen, 3) == {"bravo": 3}


async def test_applying_again_changes_nothing(stage: Stage, listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    snapshot = await stage.apply(web(listen, active(alpha)))
    client = await stage.client(listen)
    await stage.catch_up()
    before = stage.totals()
    await stage.dataplane.apply(snapshot)
    await stage.apply(web(listen, active(alpha)))
    assert stage.totals() == before
    assert await client.ask() == "alpha"
    assert await stage.served_by(listen, 1) == {"alpha": 1}


async def test_versions_may_be_skipped(stage: Stage, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await stage.backends("alpha", "bravo")
    await stage.apply(web(listen, active(alpha)))
    stage.snapshot(web(listen, active(alpha), active(bravo)), web(other_listen, active(alpha), name="brief"))
    stage.snapshot(web(listen, draining(alpha), active(bravo)), web(other_listen, name="brief"))
    await stage.apply(web(listen, active(bravo)), web(other_listen, active(alpha), name="other"))
    assert await stage.served_by(listen, 2) == {"bravo": 2}
    assert await stage.served_by(other_listen, 2) == {"alpha": 2}


async def test_new_service_leaves_connections_alone(stage: Stage, listen: Address, other_listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    await stage.apply(web(listen, active(alpha)))
    client = await stage.client(listen)
    await stage.apply(web(listen, active(alpha)), web(other_listen, active(alpha), name="other"))
    assert await client.ask() == "alpha"
    assert await stage.served_by(other_listen, 1) == {"alpha": 1}


async def test_removed_service_ends_and_leaves_others_alone(
        stage: Stage, listen: Address, other_listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    await stage.apply(web(listen, active(alpha)), web(other_listen, active(alpha), name="other"))
    client, lost = await stage.client(listen), await stage.client(other_listen)
    await stage.apply(web(listen, active(alpha)))
    assert await stage.is_reset(lost)
    assert await stage.is_refused(other_listen)
    assert await client.ask() == "alpha"


async def test_removed_service_that_drains_keeps_its_connections(stage: Stage, listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    await stage.apply(web(listen, active(alpha)))
    client = await stage.client(listen)
    await stage.apply(replace(web(listen, draining(alpha)), listens=()))
    assert await stage.is_refused(listen)
    assert await client.ask() == "alpha"


async def test_added_listen_address_leaves_connections_alone(
        stage: Stage, listen: Address, other_listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    await stage.apply(service := web(listen, active(alpha)))
    client = await stage.client(listen)
    await stage.apply(replace(service, listens=(other_listen, listen)))
    assert await client.ask() == "alpha"
    assert await stage.served_by(listen, 1) == await stage.served_by(other_listen, 1) == {"alpha": 1}


async def test_moved_service_keeps_its_connections(stage: Stage, listen: Address, other_listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    await stage.apply(service := web(listen, active(alpha)))
    client = await stage.client(listen)
    await stage.apply(replace(service, listens=(other_listen,)))
    assert await stage.is_refused(listen)
    assert await client.ask() == "alpha"
    assert await stage.served_by(other_listen, 1) == {"alpha": 1}


async def test_address_that_another_service_takes_over_keeps_its_connections(
        stage: Stage, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await stage.backends("alpha", "bravo")
    await stage.apply(web(listen, active(alpha)), web(other_listen, active(bravo), name="other"))
    clients = [await stage.client(listen), await stage.client(other_listen)]
    await stage.apply(web(other_listen, active(alpha)), web(listen, active(bravo), name="other"))
    assert [await client.ask() for client in clients] == ["alpha", "bravo"]
    assert await stage.served_by(listen, 2) == {"bravo": 2}
    assert await stage.served_by(other_listen, 2) == {"alpha": 2}


@pytest.mark.parametrize("policy", [Policy(scheduler=Scheduler.RR), Policy(max_conns=1), Policy(idle_timeout=0.0)])
async def test_changed_policy_leaves_connections_alone(stage: Stage, listen: Address, policy: Policy) -> None:
    alpha, = await stage.backends("alpha")
    await stage.apply(web(listen, active(alpha)))
    clients = [await stage.client(listen) for _ in range(4)]
    await stage.apply(web(listen, active(alpha), policy=policy))
    assert [await client.ask() for client in clients] == ["alpha"] * 4


async def test_service_without_backends_refuses_at_once(stage: Stage, listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    await stage.apply(web(listen))
    assert await stage.is_refused(listen)
    await stage.apply(web(listen, active(alpha)))
    assert await stage.served_by(listen, 1) == {"alpha": 1}


async def test_service_that_returns_is_served_again(stage: Stage, listen: Address) -> None:
    alpha, = await stage.backends("alpha")
    for _ in range(3):
        await stage.apply(web(listen, active(alpha)))
        assert await stage.served_by(listen, 2) == {"alpha": 2}
        await stage.apply()
        assert await stage.is_refused(listen)
