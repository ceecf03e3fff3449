"""What is silent for too long ends, in a reset, and says why."""

import pytest

from lbproxy.dataplanes.userspace.worker import engine

from .backends import Blackhole
from .bed import Bed, opened
from .peers import converse, until


async def test_silence_for_too_long_is_reset_on_both_sides(bed: Bed) -> None:
    bed.change(idle_timeout=10.0)
    backend = bed.backend()
    client, server = await bed.pair(backend)
    await converse(client, server)
    await bed.delivers()
    bed.pass_time(0.0)
    bed.pass_time(9.0)
    assert client.hears_nothing()
    bed.pass_time(1.0)
    await client.hears_reset()
    await server.hears_reset()
    await bed.idles()
    assert bed.closed(backend) == {"idle_timeout": 1}


async def test_connection_that_never_said_anything_is_idle_too(bed: Bed) -> None:
    bed.change(idle_timeout=10.0)
    client, server = await bed.pair(bed.backend())
    await until(lambda: len(bed.connections) == 1)
    bed.pass_time(10.0)
    await client.hears_reset()
    await server.hears_reset()


@pytest.mark.parametrize("is_answered", [True, False])
async def test_bytes_in_one_direction_keep_it_alive(bed: Bed, is_answered: bool) -> None:  # noqa: FBT001 - a case
    bed.change(idle_timeout=10.0)
    client, server = await bed.pair(bed.backend())
    sender, reader = (server, client) if is_answered else (client, server)
    for _ in range(5):
        await sender.send(b"tick")
        await reader.hears(b"tick")
        bed.pass_time(5.0)
        bed.pass_time(9.0)
    assert len(bed.connections) == 1


async def test_zero_turns_the_idle_timeout_off(bed: Bed) -> None:
    bed.change(idle_timeout=0.0)
    client, server = await bed.pair(bed.backend())
    await converse(client, server)
    bed.pass_time(1e9)
    await converse(client, server)


async def test_changed_timeout_holds_for_connections_that_exist(bed: Bed) -> None:
    client, server = await bed.pair(bed.backend())
    await converse(client, server)
    await bed.delivers()
    bed.pass_time(0.0)
    bed.change(idle_timeout=10.0)
    bed.pass_time(10.0)
    await client.hears_reset()


async def test_shorter_of_both_limits_ends_a_half_open_connection(bed: Bed) -> None:
    bed.change(idle_timeout=10.0, half_close_timeout=60.0)
    backend = bed.backend()
    client, server = await bed.pair(backend)
    server.finish()
    await client.hears_end()
    await bed.delivers()
    bed.pass_time(10.0)
    await server.hears_reset()
    assert bed.closed(backend) == {"idle_timeout": 1}


async def test_limits_hold_by_the_clock_and_the_timer_of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everywhere else the clock stands still."""
    monkeypatch.setattr(engine, "TICK", 0.001)
    async with opened(has_own_clock=False) as bed:
        bed.change(idle_timeout=0.02)
        backend = bed.backend()
        client, server = await bed.pair(backend)
        await converse(client, server)
        await client.hears_reset()
        await server.hears_reset()
        assert bed.closed(backend) == {"idle_timeout": 1}


async def test_connect_timeout_counts_from_each_attempt(bed: Bed) -> None:
    bed.change(connect_timeout=2.0, connect_retries=1)
    first, second = bed.add(Blackhole()), bed.add(Blackhole())
    client = bed.client()
    await until(lambda: bed.stats(first).active == 1)
    bed.pass_time(2.0)
    assert (bed.stats(first).active, bed.stats(second).active) == (0, 1)
    bed.pass_time(1.9)
    assert client.hears_nothing()
    bed.pass_time(0.1)
    await client.hears_reset()
    assert (bed.failed(first), bed.failed(second)) == ({"timeout": 1}, {"timeout": 1})
    assert bed.rejected() == {"connect_failed": 1}
