"""IPVS on a real kernel, under traffic: whose connections are touched, and that draining cuts none."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from lbproxy.dataplanes.ipvs.planning.marks import MarkRange
from tests.support.peers import Backend, Client

from . import kernel_tools
from .harness import Harness, active, draining, web
from .kinds import Kind, ipvs
from .topologies import Topology

pytestmark = pytest.mark.kernel

OTHER_SOURCE = "10.2.0.9"
"""An address of the balancer's that it doesn't choose by itself."""


@pytest.fixture(params=[ipvs(), ipvs(MarkRange(0x10))], ids=str)
async def harness(request: pytest.FixtureRequest, namespaces: Topology) -> AsyncIterator[Harness]:
    assert isinstance(request.param, Kind)
    harness = Harness(request.param, namespaces)
    yield harness
    await harness.end()


def sources(backend: Backend) -> set[str]:
    """The addresses that a backend's clients seem to have."""
    return {writer.get_extra_info("peername")[0] for writer in backend._clients}


async def own_connection(backend: Backend) -> Client:
    """From the balancer itself straight to a backend, as health checks are."""
    kernel_tools.run("ip", "address", "replace", f"{OTHER_SOURCE}/32", "dev", "backends")
    sock = socket.socket()
    sock.bind((OTHER_SOURCE, 0))
    client = await Client.connect_with(sock, backend.address)
    await client.ask()
    return client


@pytest.mark.parametrize(("family", "balancer"), [(socket.AF_INET, "10.2.0.1"), (socket.AF_INET6, "fd02::1")])
async def test_backends_see_the_balancer(harness: Harness, family: socket.AddressFamily, balancer: str) -> None:
    listen = harness.free_listen(family)
    alpha, = await harness.backends("alpha", family=family)
    await harness.apply(web(listen, active(alpha)))
    await harness.client(listen)
    assert sources(alpha) == {balancer}


async def test_connections_that_are_not_for_our_services_keep_their_source(harness: Harness) -> None:
    alpha, = await harness.backends("alpha")
    await harness.apply(web(harness.free_listen(), active(alpha)))
    client = await own_connection(alpha)
    assert sources(alpha) == {OTHER_SOURCE}
    client.close()


async def test_port_that_nobody_serves_is_left_to_sockets(harness: Harness) -> None:
    listen = harness.free_listen()
    alpha, = await harness.backends("alpha")
    await harness.apply(web(listen, active(alpha)))
    admin = await Backend("admin").start(listen.host)
    assert await harness.served_by(admin.address, 1) == {"admin": 1}
    await admin.close()


async def test_draining_backend_keeps_busy_connections_through_many_passes(harness: Harness) -> None:
    listen = harness.free_listen()
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha)))
    clients = await harness.clients(listen, 4)
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(asked(client, 20)) for client in clients]
        await harness.apply(web(listen, draining(alpha), active(bravo)))
        for _ in range(5):
            assert await harness.served_by(listen, 1) == {"bravo": 1}
            await harness.look()
    assert [task.result() for task in asking] == [{"alpha"}] * 4
    await harness.apply(web(listen, active(bravo)))
    assert [await harness.is_reset(client) for client in clients] == [True] * 4


async def test_backend_that_comes_back_keeps_connections_and_counters(harness: Harness) -> None:
    listen = harness.free_listen()
    alpha, bravo = await harness.backends("alpha", "bravo")
    await harness.apply(web(listen, active(alpha), active(bravo)))
    clients = await harness.clients(listen, 4)
    await harness.catch_up()
    await harness.apply(web(listen, draining(alpha), active(bravo)))
    await harness.look()
    await harness.apply(web(listen, active(alpha), active(bravo)))
    await harness.catch_up()
    counted = {key.address: stats.connections for key, stats in harness.dataplane.stats().backends.items()}
    assert counted == {alpha.address: 2, bravo.address: 2}
    assert [await client.ask() for client in clients] == list(clients.values())
    assert await harness.served_by(listen, 2) == {"alpha": 1, "bravo": 1}


async def asked(client: Client, times: int) -> set[str]:
    """Who answers, over so many questions."""
    return {await client.ask() for _ in range(times)}
