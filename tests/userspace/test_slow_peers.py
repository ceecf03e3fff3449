"""Slow is not broken: who takes its time gets everything and stalls nobody, unless it stops altogether."""

from .harness import Harness
from .peers import converse, until
from .pressure import MEGABYTE, NARROW, fill


async def test_slow_reader_does_not_stall_another_connection(harness: Harness) -> None:
    backend = harness.backend()
    _, slow = await harness.pair(backend)
    client, server = await harness.pair(backend)
    await fill(harness, slow)
    await converse(client, server)
    sending = server.sending(MEGABYTE)
    await client.hears(MEGABYTE)
    await sending


async def test_slow_reader_gets_everything_bit_by_bit(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client(NARROW)
    server = await backend.accept()
    sending = server.sending(MEGABYTE[:300_000])
    sending.add_done_callback(lambda _: server.finish())
    received = bytearray()
    while part := await client.receive(10_007):
        received += part
    assert received == MEGABYTE[:300_000]


async def test_slow_sender_is_waited_for(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    for byte in b"one by one":
        await server.send(bytes([byte]))
        await client.hears(bytes([byte]))
        harness.pass_time(harness.policy.idle_timeout - 1.0)


async def test_end_of_a_stream_waits_behind_what_is_held_back(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client(NARROW)
    server = await backend.accept()
    sent = await fill(harness, server)
    server.finish()
    assert len(await client.receive(sent)) == sent
    await client.hears_end()
    client.finish()
    await harness.idles()
    assert harness.closed(backend) == {"finished": 1}


async def test_who_stopped_reading_ends_after_two_idle_timeouts(harness: Harness) -> None:
    backend = harness.backend()
    _, server = await harness.pair(backend)
    await fill(harness, server)
    harness.pass_time(0.0)
    harness.pass_time(harness.policy.idle_timeout)
    assert harness.closed(backend) == {}
    harness.pass_time(harness.policy.idle_timeout)
    assert harness.closed(backend) == {"idle_timeout": 1}


async def test_who_still_takes_the_end_of_an_answer_is_not_cut_off(harness: Harness) -> None:
    """All of it is in the kernel long since, and the proxy itself sees nothing move."""
    backend, client = harness.backend(), harness.client(NARROW)
    server = await backend.accept()
    await server.send(MEGABYTE[:200_000])
    server.finish()
    await until(lambda: bool(harness.connections) and harness.connections[0].server.has_ended)
    for start in range(0, 200_000, 40_000):
        harness.pass_time(harness.policy.half_close_timeout)
        await client.hears(MEGABYTE[start:start + 40_000])
    await client.hears_end()
