"""Who does not read stops only its own sender, and costs at most one CHUNK here."""

import socket

import pytest

from lbproxy.dataplanes.userspace.worker.pipe import CHUNK, MOST, Pipe
from lbproxy.dataplanes.userspace.worker.slow_path import SMALL

from .harness import Harness
from .peers import converse, until
from .pressure import MEGABYTE, NARROW, ends, fill, held, repeated


async def test_never_reading_client_stops_the_sender_and_gets_everything_once_it_reads(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client(NARROW)
    server = await backend.accept()
    sent = await fill(harness, server)
    assert 0 < held(harness.connections[0].client) <= CHUNK
    await client.hears(repeated(sent))
    server.finish()
    await client.hears_end()


async def test_never_reading_backend_stops_the_client_and_gets_everything_once_it_reads(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    sent = await fill(harness, client)
    assert 0 < held(harness.connections[0].server) <= CHUNK
    await server.hears(repeated(sent))
    client.finish()
    await server.hears_end()


async def test_blocked_direction_does_not_block_the_other(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    await fill(harness, server)
    for _ in range(3):
        await client.send(b"are you there?")
        await server.hears(b"are you there?")
    upload = client.sending(MEGABYTE)
    await server.hears(MEGABYTE)
    await upload


async def test_both_directions_blocked_at_once_recover(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    up, down = await fill(harness, client), await fill(harness, server)
    assert all(held(end) for end in ends(harness))
    assert (len(await client.receive(down)), len(await server.receive(up))) == (down, up)
    assert not any(held(end) for end in ends(harness))
    await converse(client, server)


async def test_what_is_held_back_goes_out_in_many_parts(harness: Harness) -> None:
    """The kernel takes only a little of it at a time."""
    backend, client = harness.backend(), harness.client(NARROW)
    server = await backend.accept()
    await until(lambda: len(harness.connections) == 1)
    harness.connections[0].client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
    sent = server.send_now(MEGABYTE)
    harness.engine._byte_loop.slow_path.promote(harness.connections[0].server)
    harness.engine._byte_loop.run()
    assert 10 * NARROW < held(harness.connections[0].client) <= CHUNK
    await client.hears(repeated(sent))


@pytest.mark.parametrize("size", [9_999, SMALL - 1])
async def test_small_messages_that_are_not_read_are_kept_in_order(harness: Harness, size: int) -> None:
    """None of them makes the stream bulk."""
    backend, client = harness.backend(), harness.client(NARROW)
    server = await backend.accept()
    await until(lambda: len(harness.connections) == 1)
    harness.connections[0].client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
    sent = 0
    while not held(harness.connections[0].client):
        sent += server.send_now(repeated(sent + size)[sent:])
        harness.engine._byte_loop.run()
    assert held(harness.connections[0].client) < size
    sent += server.send_now(repeated(sent + size)[sent:])
    await client.hears(repeated(sent))


async def test_more_full_streams_than_there_are_pipes_lose_nothing(harness: Harness) -> None:
    """The pipes hold what some of them are owed; for the others it is copied."""
    backend, clients, sent = harness.backend(), [], []
    for number in range(1, MOST + 5):
        clients.append(harness.client(NARROW))
        server = await backend.accept()
        await until(lambda number=number: len(harness.connections) == number)  # type: ignore[misc]
        sent.append(await fill(harness, server))
    kinds = {type(end.unsent) for end in ends(harness) if end.unsent is not None}
    assert kinds == {bytes, Pipe}
    for client, size in zip(clients, sent, strict=True):
        await client.hears(repeated(size))


async def test_what_a_lost_client_was_owed_reaches_nobody_else(harness: Harness) -> None:
    backend, lost = harness.backend(), harness.client(NARROW)
    server = await backend.accept()
    await fill(harness, server)
    lost.reset()
    await until(lambda: not harness.connections)
    client, other = await harness.pair(backend)
    upload = other.sending(bytes(len(MEGABYTE)))
    await client.hears(bytes(len(MEGABYTE)))
    await upload


async def test_client_that_is_lost_amid_a_turn_leaves_nothing_to_the_next(harness: Harness) -> None:
    """Its socket refuses what the pipe already holds."""
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await until(lambda: len(harness.connections) == 1)
    server.send_now(MEGABYTE)
    client.reset()
    harness.engine._byte_loop.slow_path.promote(harness.connections[0].server)
    with harness.engine._byte_loop.batch():
        harness.engine._byte_loop.slow_path.turn()
    assert not harness.connections
    pipes = harness.engine._byte_loop.slow_path._pipes
    assert pipes is not None
    assert pipes.at_hand.take() == b""
    await converse(*await harness.pair(backend))
