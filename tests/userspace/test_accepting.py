"""Listening sockets come and go; who waits at one when it goes is still served."""

import os

import pytest

from lbproxy.dataplanes.userspace.worker.listener import ACCEPTS

from .backends import Backend, Blackhole
from .bed import WEB, Bed
from .ground import listening
from .ledger import SLOT
from .peers import converse, until


async def test_who_waits_already_is_served_when_the_address_is_given_up(bed: Bed) -> None:
    """More of them than are accepted at once."""
    backend = bed.backend()
    clients = [bed.client() for _ in range(2 * ACCEPTS + 1)]
    bed.engine.unlisten(bed.address)
    for client in clients:
        await converse(client, await backend.accept())


async def test_address_that_was_given_up_refuses(bed: Bed) -> None:
    bed.engine.unlisten(bed.address)
    with pytest.raises(ConnectionRefusedError):
        bed.client()


async def test_connections_go_on_when_nothing_is_accepted_any_more(bed: Bed) -> None:
    other = bed.listen()
    client, server = await bed.pair(bed.backend())
    bed.engine.stop_accepting()
    await converse(client, server)
    with pytest.raises(ConnectionRefusedError):
        bed.client()
    bed.address = other
    with pytest.raises(ConnectionRefusedError):
        bed.client()


async def test_service_listens_on_several_addresses(bed: Bed) -> None:
    backend = bed.backend()
    await converse(*await bed.pair(backend))
    bed.address = bed.listen()
    await converse(*await bed.pair(backend))
    assert bed.service.accepted == 2


async def test_address_that_moves_to_another_service_serves_there(bed: Bed) -> None:
    """The main process keeps it open meanwhile."""
    sock, bed.address = listening(bed.host)
    bed.engine.listen(WEB, bed.address, os.dup(sock.fileno()))
    bed.engine.put_service("other", SLOT, bed.policy)  # in the same slot: the ledger knows only one
    old, new = bed.backend(), bed.add(Backend(), "other")
    bed.engine.unlisten(bed.address)
    bed.engine.listen("other", bed.address, sock.detach())
    await converse(*await bed.pair(new))
    assert not old.is_called()


async def test_crowd_is_served_completely(bed: Bed) -> None:
    backend = bed.backend()
    clients = [bed.client() for _ in range(90)]
    servers = [await backend.accept() for _ in clients]
    assert bed.stats(backend).active == len(clients)
    for client in clients:
        client.send_now(b"x")
    await until(lambda: not any(server.hears_nothing() for server in servers))


async def test_removed_service_refuses_who_waits(bed: Bed) -> None:
    """In the order in which the main process takes it apart."""
    await _wait_everywhere(bed)
    bed.engine.unlisten(bed.address)
    for backend in bed.members:
        bed.drop(backend)
    bed.engine.drop_service(WEB)
    for client in bed.clients:
        await client.hears_reset()
    await bed.idles()
    assert bed.rejected() == {"no_backend": 1, "removed": 1}


async def test_closed_engine_resets_whoever_is_left(bed: Bed) -> None:
    await _wait_everywhere(bed)
    bed.close_engine()
    for client in bed.clients:
        await client.hears_reset()
    await bed.idles()
    assert (bed.totals()["closed"], bed.rejected()) == (1, {"shutdown": 2})


async def test_closing_takes_along_who_was_not_accepted_yet(bed: Bed) -> None:
    bed.backend()
    client = bed.client()
    bed.close_engine()
    await client.hears_reset()
    assert bed.rejected() == {"shutdown": 1}


async def test_engine_that_is_closed_amid_bulk_is_quiet_afterwards(bed: Bed) -> None:
    """It had left work for a turn that will not come."""
    backend = bed.backend()
    pairs = [await bed.pair(backend) for _ in range(2)]
    await until(lambda: len(bed.connections) == 2)
    for _, server in pairs:
        server.send_now(bytes(1 << 20))
    bed.clock.step = 1.0
    bed.engine._run()
    assert bed.engine._relay.pump.bulk
    bed.close_engine()
    for client, _ in pairs:
        await client.receive_until_reset()


async def _wait_everywhere(bed: Bed) -> None:
    """One client relays, one waits for a backend to answer and one for a place."""
    bed.change(max_conns=1)
    await bed.pair(bed.backend())
    bed.add(Blackhole())
    bed.client()
    bed.client()
    await until(lambda: bed.service.queued == 1)
