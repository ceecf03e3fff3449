"""Listening sockets come and go; who waits at one when it goes is still served."""

import os

import pytest

from lbproxy.dataplanes.userspace.worker.listener import ACCEPTS

from .backends import Backend, Blackhole
from .engine_counters import SLOT
from .harness import WEB, Harness
from .peers import converse, until
from .resources import listening


async def test_who_waits_already_is_served_when_the_address_is_given_up(harness: Harness) -> None:
    """More of them than are accepted at once."""
    backend = harness.backend()
    clients = [harness.client() for _ in range(2 * ACCEPTS + 1)]
    harness.engine.unlisten(harness.address)
    for client in clients:
        await converse(client, await backend.accept())


async def test_address_that_was_given_up_refuses(harness: Harness) -> None:
    harness.engine.unlisten(harness.address)
    with pytest.raises(ConnectionRefusedError):
        harness.client()


async def test_connections_go_on_when_nothing_is_accepted_any_more(harness: Harness) -> None:
    other = harness.listen()
    client, server = await harness.pair(harness.backend())
    harness.engine.stop_accepting()
    await converse(client, server)
    with pytest.raises(ConnectionRefusedError):
        harness.client()
    harness.address = other
    with pytest.raises(ConnectionRefusedError):
        harness.client()


async def test_service_listens_on_several_addresses(harness: Harness) -> None:
    backend = harness.backend()
    await converse(*await harness.pair(backend))
    harness.address = harness.listen()
    await converse(*await harness.pair(backend))
    assert harness.service.accepted == 2


async def test_address_that_moves_to_another_service_serves_there(harness: Harness) -> None:
    """The main process keeps it open meanwhile."""
    sock, harness.address = listening(harness.host)
    harness.engine.listen(WEB, harness.address, os.dup(sock.fileno()))
    harness.engine.put_service("other", SLOT, harness.policy)  # in the same slot: the ledger knows only one
    old, new = harness.backend(), harness.add(Backend(), "other")
    harness.engine.unlisten(harness.address)
    harness.engine.listen("other", harness.address, sock.detach())
    await converse(*await harness.pair(new))
    assert not old.is_called()


async def test_crowd_is_served_completely(harness: Harness) -> None:
    backend = harness.backend()
    clients = [harness.client() for _ in range(90)]
    servers = [await backend.accept() for _ in clients]
    assert harness.stats(backend).active == len(clients)
    for client in clients:
        client.send_now(b"x")
    await until(lambda: not any(server.hears_nothing() for server in servers))


async def test_removed_service_refuses_who_waits(harness: Harness) -> None:
    """In the order in which the main process takes it apart."""
    await _wait_everywhere(harness)
    harness.engine.unlisten(harness.address)
    for backend in harness.members:
        harness.drop(backend)
    harness.engine.drop_service(WEB)
    for client in harness.clients:
        await client.hears_reset()
    await harness.idles()
    assert harness.rejected() == {"no_backend": 1, "removed": 1}


async def test_closed_engine_resets_whoever_is_left(harness: Harness) -> None:
    await _wait_everywhere(harness)
    harness.close_engine()
    for client in harness.clients:
        await client.hears_reset()
    await harness.idles()
    assert (harness.totals()["closed"], harness.rejected()) == (1, {"shutdown": 2})


async def test_closing_takes_along_who_was_not_accepted_yet(harness: Harness) -> None:
    harness.backend()
    client = harness.client()
    harness.close_engine()
    await client.hears_reset()
    assert harness.rejected() == {"shutdown": 1}


async def test_engine_that_is_closed_amid_bulk_is_quiet_afterwards(harness: Harness) -> None:
    """It had left work for a turn that will not come."""
    backend = harness.backend()
    pairs = [await harness.pair(backend) for _ in range(2)]
    await until(lambda: len(harness.connections) == 2)
    for _, server in pairs:
        server.send_now(bytes(1 << 20))
    harness.clock.step = 1.0
    harness.engine._run()
    assert harness.engine._byte_loop.slow_path.bulk
    harness.close_engine()
    for client, _ in pairs:
        await client.receive_until_reset()


async def _wait_everywhere(harness: Harness) -> None:
    """One client relays, one waits for a backend to answer and one for a place."""
    harness.change(max_conns=1)
    await harness.pair(harness.backend())
    harness.add(Blackhole())
    harness.client()
    harness.client()
    await until(lambda: harness.service.queued == 1)
