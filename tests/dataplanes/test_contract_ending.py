"""Any dataplane: how it ends, in peace or at once."""

import asyncio
import socket
import time

import pytest

from lbproxy.model.address import Address
from tests.support.patience import NEVER, PATIENCE

from .harness import Harness, active, web

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG, SHORT = NEVER, 0.1


async def test_drain_without_clients_returns_at_once(fresh: Harness, listen: Address) -> None:
    alpha, = await fresh.backends("alpha")
    await fresh.apply(web(listen, active(alpha)))
    async with asyncio.timeout(PATIENCE):
        await fresh.dataplane.drain(LONG)
    assert await fresh.is_refused(listen)


async def test_drain_of_a_dataplane_that_never_applied_returns_at_once(fresh: Harness) -> None:
    async with asyncio.timeout(PATIENCE):
        await fresh.dataplane.drain(LONG)


async def test_drain_waits_for_the_last_connection_and_refuses_new_ones(fresh: Harness, listen: Address) -> None:
    alpha, = await fresh.backends("alpha")
    await fresh.apply(web(listen, active(alpha)))
    client = await fresh.client(listen)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        drain = group.create_task(fresh.dataplane.drain(LONG))
        await fresh.until_refused(listen)
        assert await client.ask() == "alpha"
        assert not drain.done()
        client.close()


async def test_drain_resets_what_is_left_at_its_limit(fresh: Harness, listen: Address) -> None:
    alpha, = await fresh.backends("alpha")
    await fresh.apply(web(listen, active(alpha)))
    clients = await fresh.clients(listen, 3)
    started = time.monotonic()
    await fresh.dataplane.drain(SHORT)
    assert time.monotonic() - started >= SHORT
    assert [await fresh.is_reset(client) for client in clients] == [True] * 3


async def test_close_resets_everything_at_once_and_gives_the_address_back(fresh: Harness, listen: Address) -> None:
    alpha, = await fresh.backends("alpha")
    await fresh.apply(web(listen, active(alpha)))
    clients = await fresh.clients(listen, 3)
    async with asyncio.timeout(PATIENCE):
        await fresh.dataplane.close()
    assert [await fresh.is_reset(client) for client in clients] == [True] * 3
    socket.create_server(listen).close()


async def test_close_may_be_called_again_and_before_anything_was_applied(fresh: Harness) -> None:
    async with asyncio.timeout(PATIENCE):
        await fresh.dataplane.close()
        await fresh.dataplane.close()


async def test_close_may_be_called_again_after_a_drain(fresh: Harness, listen: Address) -> None:
    alpha, = await fresh.backends("alpha")
    await fresh.apply(web(listen, active(alpha)))
    async with asyncio.timeout(PATIENCE):
        await fresh.dataplane.drain(LONG)
        await fresh.dataplane.close()
        await fresh.dataplane.close()


async def test_close_while_draining_does_not_wait_for_the_limit(fresh: Harness, listen: Address) -> None:
    alpha, = await fresh.backends("alpha")
    await fresh.apply(web(listen, active(alpha)))
    client = await fresh.client(listen)
    async with asyncio.timeout(PATIENCE):
        drain = asyncio.create_task(fresh.dataplane.drain(LONG))
        await fresh.until_refused(listen)
        await fresh.dataplane.close()
        await drain
    assert await fresh.is_reset(client)


async def test_every_count_is_zero_after_the_end(fresh: Harness, listen: Address) -> None:
    alpha, = await fresh.backends("alpha")
    await fresh.apply(web(listen, active(alpha)))
    await fresh.clients(listen, 3)
    await fresh.dataplane.close()
    assert fresh.active() == {alpha.address: 0}
