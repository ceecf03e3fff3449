"""Any dataplane: an address that can't be had is said, and everything stays as it was."""

import pytest

from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import BackendKey

from .harness import Harness, active, web

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_address_in_use_leaves_everything_as_it_was(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    with harness.kind.occupy(other_listen):
        with pytest.raises(BindError, match=str(other_listen)) as caught:
            await harness.apply(web(other_listen, active(bravo)))
        assert caught.value.address == other_listen
        assert await client.ask() == "alpha"
        assert await harness.served_by(listen, 2) == {"alpha": 2}


async def test_nothing_of_a_refused_snapshot_is_done(harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    free = Address(listen.host, listen.port + 1)
    with harness.kind.occupy(other_listen), pytest.raises(BindError):
        await harness.apply(web(listen, active(bravo)), web(free, active(bravo), name="free"),
                            web(other_listen, active(bravo), name="other"))
    assert await harness.is_refused(free)
    assert await harness.served_by(listen, 2) == {"alpha": 2}


async def test_refused_snapshot_is_applied_once_the_address_is_free(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    wanted = harness.snapshot(web(listen, active(alpha)), web(other_listen, active(bravo), name="other"))
    with harness.kind.occupy(other_listen):
        for _ in range(2):
            with pytest.raises(BindError):
                await harness.dataplane.apply(wanted)
    await harness.dataplane.apply(wanted)
    assert await harness.served_by(other_listen, 1) == {"bravo": 1}
    assert await client.ask() == "alpha"


async def test_another_snapshot_is_applied_after_a_refused_one(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    with harness.kind.occupy(other_listen), pytest.raises(BindError):
        await harness.apply(web(other_listen, active(bravo)))
    await harness.apply(web(listen, active(bravo)))
    assert await harness.served_by(listen, 2) == {"bravo": 2}


async def test_address_that_is_not_of_this_machine_is_refused(harness: Harness) -> None:
    nowhere = Address("192.0.2.1", 8080)
    with pytest.raises(BindError) as caught:
        await harness.apply(web(nowhere))
    assert caught.value.address == nowhere


async def test_refused_snapshot_leaves_no_trace_in_the_counters(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    before = harness.totals()
    with harness.kind.occupy(other_listen), pytest.raises(BindError):
        await harness.apply(web(listen, active(alpha)), web(other_listen, active(bravo), name="other"))
    await harness.apply(web(listen, active(alpha)))
    assert harness.totals() == before


async def test_backend_that_a_refused_snapshot_lacks_keeps_its_connections_and_counts(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    client = await harness.client(listen)
    assert await client.ask() == "alpha"
    with harness.kind.occupy(other_listen), pytest.raises(BindError):
        await harness.apply(web(listen, active(bravo)), web(other_listen, name="other"))
    await harness.apply(web(listen, active(alpha)))
    assert await client.ask() == "alpha"
    assert harness.dataplane.stats().backends[BackendKey("web", alpha.address)].active == 1


async def test_backends_of_refused_snapshots_alone_are_not_known_afterwards(
        harness: Harness, listen: Address, other_listen: Address) -> None:
    alpha, bravo, charlie = await harness.backends("alpha", "bravo", "charlie")
    await harness.apply(web(listen, active(alpha)))
    with harness.kind.occupy(other_listen):
        for backend in (bravo, charlie):
            with pytest.raises(BindError):
                await harness.apply(web(listen, active(backend)), web(other_listen, name="other"))
    await harness.apply(web(listen, active(alpha)))
    assert set(harness.dataplane.stats().backends) == {BackendKey("web", alpha.address)}
