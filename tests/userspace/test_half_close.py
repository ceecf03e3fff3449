"""One side says that it will send no more; the other may go on for as long as it likes, within a limit."""

import random

import pytest

from .harness import Harness
from .peers import converse, until

MEGABYTE = random.Random(1).randbytes(1 << 20)  # nothing in it repeats: a shift would show


async def test_client_finishes_first(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await client.send(b"question")
    client.finish()
    await server.hears(b"question")
    await server.hears_end()
    await server.send(b"answer")
    server.finish()
    await client.hears(b"answer")
    await client.hears_end()
    await harness.idles()
    assert harness.closed(backend) == {"finished": 1}


async def test_server_finishes_first(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await server.send(b"goodbye")
    server.finish()
    await client.hears(b"goodbye")
    await client.hears_end()
    await client.send(b"thanks")
    client.finish()
    await server.hears(b"thanks")
    await server.hears_end()
    await harness.idles()
    assert harness.closed(backend) == {"finished": 1}


@pytest.mark.parametrize("words", [(b"", b""), (b"left", b"right"), (MEGABYTE[:20_000], MEGABYTE[:16_384])])
async def test_both_finish_at_once(harness: Harness, words: tuple[bytes, bytes]) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await until(lambda: len(harness.connections) == 1)
    client.send_now(words[0])
    server.send_now(words[1])
    client.finish()
    server.finish()
    await server.hears(words[0])
    await client.hears(words[1])
    await server.hears_end()
    await client.hears_end()
    await harness.idles()
    assert harness.closed(backend) == {"finished": 1}


async def test_after_the_clients_end_a_long_answer_still_flows(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    client.finish()
    await server.hears_end()
    for _ in range(4):
        sending = server.sending(MEGABYTE)
        await client.hears(MEGABYTE)
        await sending
    server.finish()
    await client.hears_end()
    await harness.idles()


async def test_after_the_servers_end_a_long_upload_still_flows(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    server.finish()
    await client.hears_end()
    sending = client.sending(MEGABYTE)
    await server.hears(MEGABYTE)
    await sending
    client.finish()
    await server.hears_end()
    await harness.idles()


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 262_144, 262_145])
async def test_end_right_behind_the_last_byte_is_seen(harness: Harness, size: int) -> None:
    """Whatever the sizes that the proxy reads at once."""
    client, server = await harness.pair(harness.backend())
    await until(lambda: len(harness.connections) == 1)
    sending = server.sending(MEGABYTE[:size])
    sending.add_done_callback(lambda _: server.finish())
    await client.hears(MEGABYTE[:size])
    await client.hears_end()


@pytest.mark.parametrize("is_client", [True, False], ids=["client", "server"])
async def test_reset_after_ones_own_end_is_passed_on_at_once(harness: Harness, is_client: bool) -> None:  # noqa: FBT001 - a case
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    first, second = (client, server) if is_client else (server, client)
    first.finish()
    await second.hears_end()
    first.reset()
    await until(lambda: not len(harness.engine))
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        await second.send(b"more")
    await harness.idles()
    assert harness.closed(backend) == {"client_reset" if is_client else "backend_reset": 1}


async def test_reset_by_the_other_side_after_ones_own_end_is_a_reset(harness: Harness) -> None:
    """An answer that was cut off must not look complete."""
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await client.send(b"question")
    client.finish()
    await server.hears(b"question")
    await server.send(b"half an ans")
    await client.hears(b"half an ans")
    server.reset()
    await client.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"backend_reset": 1}


async def test_half_open_for_too_long_is_reset(harness: Harness) -> None:
    harness.change(half_close_timeout=60.0, idle_timeout=0.0)
    backend = harness.backend()
    client, server = await harness.pair(backend)
    client.finish()
    await server.hears_end()
    await harness.delivers()
    harness.pass_time(59.0)
    assert client.hears_nothing()
    harness.pass_time(1.0)
    await client.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"half_close_timeout": 1}


async def test_half_open_with_traffic_lives_on(harness: Harness) -> None:
    harness.change(half_close_timeout=60.0)
    client, server = await harness.pair(harness.backend())
    client.finish()
    await server.hears_end()
    for _ in range(5):
        await server.send(b"still here")
        await client.hears(b"still here")
        harness.pass_time(59.0)
    assert len(harness.connections) == 1
