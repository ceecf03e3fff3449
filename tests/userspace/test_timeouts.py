"""What is silent for too long ends, in a reset, and says why."""

import pytest

from lbproxy.dataplanes.userspace.worker import engine

from .backends import Blackhole
from .harness import Harness, opened
from .peers import converse, until


async def test_silence_for_too_long_is_reset_on_both_sides(harness: Harness) -> None:
    harness.change(idle_timeout=10.0)
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    await harness.delivers()
    harness.pass_time(0.0)
    harness.pass_time(9.0)
    assert client.hears_nothing()
    harness.pass_time(1.0)
    await client.hears_reset()
    await server.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"idle_timeout": 1}


async def test_connection_that_never_said_anything_is_idle_too(harness: Harness) -> None:
    harness.change(idle_timeout=10.0)
    client, server = await harness.pair(harness.backend())
    await until(lambda: len(harness.connections) == 1)
    harness.pass_time(10.0)
    await client.hears_reset()
    await server.hears_reset()


@pytest.mark.parametrize("is_answered", [True, False])
async def test_bytes_in_one_direction_keep_it_alive(harness: Harness, is_answered: bool) -> None:  # noqa: FBT001 - a case
    harness.change(idle_timeout=10.0)
    client, server = await harness.pair(harness.backend())
    sender, reader = (server, client) if is_answered else (client, server)
    for _ in range(5):
        await sender.send(b"tick")
        await reader.hears(b"tick")
        harness.pass_time(5.0)
        harness.pass_time(9.0)
    assert len(harness.connections) == 1


async def test_zero_turns_the_idle_timeout_off(harness: Harness) -> None:
    harness.change(idle_timeout=0.0)
    client, server = await harness.pair(harness.backend())
    await converse(client, server)
    harness.pass_time(1e9)
    await converse(client, server)


async def test_changed_timeout_holds_for_connections_that_exist(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    await converse(client, server)
    await harness.delivers()
    harness.pass_time(0.0)
    harness.change(idle_timeout=10.0)
    harness.pass_time(10.0)
    await client.hears_reset()


async def test_shorter_of_both_limits_ends_a_half_open_connection(harness: Harness) -> None:
    harness.change(idle_timeout=10.0, half_close_timeout=60.0)
    backend = harness.backend()
    client, server = await harness.pair(backend)
    server.finish()
    await client.hears_end()
    await harness.delivers()
    harness.pass_time(10.0)
    await server.hears_reset()
    assert harness.closed(backend) == {"idle_timeout": 1}


async def test_limits_hold_by_the_clock_and_the_timer_of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everywhere else the clock stands still."""
    monkeypatch.setattr(engine, "TICK", 0.001)
    async with opened(has_own_clock=False) as harness:
        harness.change(idle_timeout=0.02)
        backend = harness.backend()
        client, server = await harness.pair(backend)
        await converse(client, server)
        await client.hears_reset()
        await server.hears_reset()
        assert harness.closed(backend) == {"idle_timeout": 1}


async def test_connect_timeout_counts_from_each_attempt(harness: Harness) -> None:
    harness.change(connect_timeout=2.0, connect_retries=1)
    first, second = harness.add(Blackhole()), harness.add(Blackhole())
    client = harness.client()
    await until(lambda: harness.stats(first).active == 1)
    harness.pass_time(2.0)
    assert (harness.stats(first).active, harness.stats(second).active) == (0, 1)
    harness.pass_time(1.9)
    assert client.hears_nothing()
    harness.pass_time(0.1)
    await client.hears_reset()
    assert (harness.failed(first), harness.failed(second)) == ({"timeout": 1}, {"timeout": 1})
    assert harness.rejected() == {"connect_failed": 1}
