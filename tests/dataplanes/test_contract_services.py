"""Any dataplane: services and listen addresses come, change and go without touching anybody else's connections."""

import socket
from dataclasses import replace

import pytest

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy, Scheduler

from .harness import Harness, active, draining, web

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_clients_reach_the_backend_on_every_listen_address(
        harness: Harness, family: socket.AddressFamily) -> None:
    alpha, = await harness.backends("alpha", family=family)
    listens = (harness.free_listen(family), harness.free_listen(family))
    await harness.apply(replace(web(listens[0], active(alpha)), listens=listens))
    for address in listens:
        assert await harness.served_by(address, 3) == {"alpha": 3}


async def test_each_service_has_its_own_backends(harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)), web(other_listen, active(bravo), name="other"))
    assert await harness.served_by(listen, 3) == {"alpha": 3}
    assert await harness.served_by(other_listen, 3) == {"bravo": 3}


async def test_applying_again_changes_nothing(harness: Harness, listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    snapshot = await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.catch_up()
    before = harness.totals()
    await harness.dataplane.apply(snapshot)
    await harness.apply(web(listen, active(alpha)))
    assert harness.totals() == before
    assert await client.ask() == "alpha"
    assert await harness.served_by(listen, 1) == {"alpha": 1}


async def test_versions_may_be_skipped(harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    harness.snapshot(web(listen, active(alpha), active(bravo)), web(other_listen, active(alpha), name="brief"))
    harness.snapshot(web(listen, draining(alpha), active(bravo)), web(other_listen, name="brief"))
    await harness.apply(web(listen, active(bravo)), web(other_listen, active(alpha), name="other"))
    assert await harness.served_by(listen, 2) == {"bravo": 2}
    assert await harness.served_by(other_listen, 2) == {"alpha": 2}


async def test_new_service_leaves_connections_alone(harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.apply(web(listen, active(alpha)), web(other_listen, active(alpha), name="other"))
    assert await client.ask() == "alpha"
    assert await harness.served_by(other_listen, 1) == {"alpha": 1}


async def test_removed_service_ends_and_leaves_others_alone(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)), web(other_listen, active(alpha), name="other"))
    client, lost = await harness.client(listen), await harness.client(other_listen)
    await harness.apply(web(listen, active(alpha)))
    assert await harness.is_reset(lost)
    assert await harness.is_refused(other_listen)
    assert await client.ask() == "alpha"


async def test_removed_service_that_drains_keeps_its_connections(harness: Harness, listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.apply(replace(web(listen, draining(alpha)), listens=()))
    assert await harness.is_refused(listen)
    assert await client.ask() == "alpha"


async def test_added_listen_address_leaves_connections_alone(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(service := web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.apply(replace(service, listens=(other_listen, listen)))
    assert await client.ask() == "alpha"
    assert await harness.served_by(listen, 1) == await harness.served_by(other_listen, 1) == {"alpha": 1}


async def test_moved_service_keeps_its_connections(harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(service := web(listen, active(alpha)))
    client = await harness.client(listen)
    await harness.apply(replace(service, listens=(other_listen,)))
    assert await harness.is_refused(listen)
    assert await client.ask() == "alpha"
    assert await harness.served_by(other_listen, 1) == {"alpha": 1}


async def test_address_that_another_service_takes_over_keeps_its_connections(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)), web(other_listen, active(bravo), name="other"))
    clients = [await harness.client(listen), await harness.client(other_listen)]
    await harness.apply(web(other_listen, active(alpha)), web(listen, active(bravo), name="other"))
    assert [await client.ask() for client in clients] == ["alpha", "bravo"]
    assert await harness.served_by(listen, 2) == {"bravo": 2}
    assert await harness.served_by(other_listen, 2) == {"alpha": 2}


@pytest.mark.parametrize("policy", [Policy(scheduler=Scheduler.RR), Policy(max_conns=1), Policy(idle_timeout=0.0)])
async def test_changed_policy_leaves_connections_alone(harness: Harness, listen: Address, policy: Policy) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    clients = [await harness.client(listen) for _ in range(4)]
    await harness.apply(web(listen, active(alpha), policy=policy))
    assert [await client.ask() for client in clients] == ["alpha"] * 4


async def test_service_without_backends_refuses_at_once(harness: Harness, listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen))
    assert await harness.is_refused(listen)
    await harness.apply(web(listen, active(alpha)))
    assert await harness.served_by(listen, 1) == {"alpha": 1}


async def test_service_that_returns_is_served_again(harness: Harness, listen: Address) -> None:
    alpha, = await harness.backends("alpha")
    for _ in range(3):
        await harness.apply(web(listen, active(alpha)))
        assert await harness.served_by(listen, 2) == {"alpha": 2}
        await harness.apply()
        assert await harness.is_refused(listen)
