"""Urgent data (RFC 6093) passes as the ordinary bytes that it is: none is lost, and none holds up what follows."""

import socket

import pytest

from .harness import Harness
from .peers import Peer, until

OOB = socket.MSG_OOB


async def test_urgent_byte_between_others_is_kept_in_order(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    await until(lambda: len(harness.connections) == 1)
    client.send_now(b"before")
    client.send_now(b"!", OOB)
    client.send_now(b"after")
    await server.hears(b"before!after")


async def test_lone_urgent_byte_arrives(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    await until(lambda: len(harness.connections) == 1)
    server.send_now(b"!", OOB)
    await client.hears(b"!")


@pytest.mark.parametrize("is_client", [True, False], ids=["client", "server"])
async def test_several_urgent_bytes_in_a_row_all_arrive(harness: Harness, is_client: bool) -> None:  # noqa: FBT001 - a case
    """Each moves the mark on; where the bytes are not in line, the kernel drops the one that was marked before."""
    client, server = await harness.pair(harness.backend())
    await until(lambda: len(harness.connections) == 1)
    sender, reader = (client, server) if is_client else (server, client)
    for _ in range(30):
        for mark in b"123":
            sender.send_now(bytes([mark]), OOB)
        await reader.hears(b"123")


async def test_urgent_bytes_sent_before_the_client_was_accepted_all_arrive(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client()
    for mark in b"123":
        client.send_now(bytes([mark]), OOB)
    await (await backend.accept()).hears(b"123")


async def test_urgent_byte_sent_before_a_backend_was_there_is_kept(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client()
    client.send_now(b"before")
    client.send_now(b"!", OOB)
    client.send_now(b"after")
    server = await backend.accept()
    await server.hears(b"before!after")


async def test_end_behind_an_urgent_byte_is_seen(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client()
    client.send_now(b"!", OOB)
    client.finish()
    server = await backend.accept()
    await server.hears(b"!")
    await server.hears_end()


@pytest.mark.parametrize("size", [100, 16_384, 100_000])
async def test_many_urgent_bytes_in_a_stream_are_kept(harness: Harness, size: int) -> None:
    client, server = await harness.pair(harness.backend())
    stream = bytearray()
    for mark in range(8):
        stream += await _send_with_mark(client, bytes([mark]) * size)
    client.finish()
    await server.hears(bytes(stream))
    await server.hears_end()


async def _send_with_mark(peer: Peer, payload: bytes) -> bytes:
    """Give up the loop between the parts, or the kernel has seen them all before the proxy looks."""
    await peer.send(payload)
    await until(lambda: peer.send_now(b"!", OOB) == 1)
    await peer.send(payload)
    return payload + b"!" + payload
