"""What goes right: bytes, ends and counters of connections that nothing happens to."""

import gc
from collections.abc import AsyncIterator

import pytest

from lbproxy.dataplanes.userspace.shared.counters import HEARTBEAT, MILLISECONDS
from lbproxy.dataplanes.userspace.worker.connection import Connection, End
from lbproxy.dataplanes.userspace.worker.idle_reaper import BACKEND_LIFE
from lbproxy.net.socket_options import KEEPALIVE

from .backends import Resetting
from .harness import Harness, opened
from .peers import converse, part, until
from .resources import needs_ipv6


@pytest.fixture(params=["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
async def anywhere(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    """A harness per address family."""
    async with opened(host=request.param) as harness:
        yield harness


async def test_question_and_answer_pass_and_are_counted(anywhere: Harness) -> None:
    harness, backend = anywhere, anywhere.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    assert (harness.active(), len(harness.engine), len(harness.engine._byte_loop)) == (1, 1, 2)
    await part(client, server)
    await harness.idles()
    stats = harness.stats(backend)
    assert (harness.service.accepted, stats.connections, harness.closed(backend)) == (1, 1, {"finished": 1})
    assert (stats.bytes_received, stats.bytes_sent) == (len(b"question"), len(b"answer"))


async def test_backend_that_speaks_first_is_heard_first(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    await server.send(b"220 ready")
    await client.hears(b"220 ready")
    await converse(client, server)


async def test_greeting_that_came_with_the_connection_passes(harness: Harness) -> None:
    """The backend speaks before the proxy has noticed that it is connected."""
    harness.change(max_conns=1)
    first, _ = await harness.pair(harness.backend())
    second = harness.client()
    await until(lambda: harness.service.queued == 1)
    harness.backend().accept_now().send_now(b"220 ready")
    await second.hears(b"220 ready")
    first.reset()


async def test_what_the_client_sent_before_it_was_accepted_passes(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client()
    client.send_now(b"question")
    client.finish()
    server = await backend.accept()
    await server.hears(b"question")
    await server.hears_end()
    await server.send(b"answer")
    server.finish()
    await client.hears(b"answer")
    await client.hears_end()
    await harness.idles()


async def test_event_of_a_closed_socket_is_not_taken_for_one_of_its_successor(harness: Harness) -> None:
    """The kernel announces three things at once: a break, a new client, and the break's other half."""
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    client.reset()
    harness.client()
    server.reset()
    successor = await backend.accept()
    await converse(harness.clients[-1], successor)
    assert (harness.closed(backend), harness.failed(backend)) == ({"client_reset": 1}, {})


async def test_bytes_of_a_living_connection_are_counted_at_the_next_sweep(harness: Harness) -> None:
    backend = harness.backend()
    await converse(*await harness.pair(backend))
    assert harness.stats(backend).bytes_received == 0
    harness.pass_time(0.0)
    assert harness.stats(backend).bytes_received == len(b"question")


async def test_only_connections_that_live_on_get_keepalive(harness: Harness) -> None:
    await harness.pair(harness.backend())
    server = harness.connections[0].server
    assert all(server.getsockopt(*option[:2]) != option[2] for option in KEEPALIVE)
    harness.pass_time(1.0)
    assert all(server.getsockopt(*option[:2]) == option[2] for option in BACKEND_LIFE)


async def test_each_tick_is_a_heartbeat(harness: Harness) -> None:
    harness.pass_time(0.25)
    assert harness.blocks[0][HEARTBEAT] == harness.clock.now * MILLISECONDS


async def test_durations_are_counted(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    await until(lambda: len(harness.connections) == 1)
    harness.clock.now += 2.0
    await part(client, server)
    await harness.idles()
    assert harness.service.duration_seconds is not None
    assert (sum(harness.service.duration_seconds.counts), harness.service.duration_seconds.total) == (1, 2.0)


async def test_connections_that_ended_need_no_garbage_collector(harness: Harness) -> None:
    """Workers run without one."""
    gc.collect()
    gc.disable()
    try:
        await _end_in_every_way(harness)
        left = [thing for thing in gc.get_objects() if isinstance(thing, Connection | End)]
    finally:
        gc.enable()
    assert not left


async def _end_in_every_way(harness: Harness) -> None:
    await harness.client().hears_reset()
    backend = harness.backend()
    await part(*await harness.pair(backend))
    client, server = await harness.pair(backend)
    server.reset()
    await client.hears_reset()
    client, server = await harness.pair(backend)
    await converse(client, server)
    server.reset()
    await client.hears_reset()
    harness.drop(backend)
    harness.add(Resetting())
    await harness.client().hears_reset()
    await harness.idles()
