"""What goes right: bytes, ends and counters of connections that nothing happens to."""

import gc
from collections.abc import AsyncIterator

import pytest

from lbproxy.dataplanes.userspace.shared.counters import HEARTBEAT, MILLISECONDS
from lbproxy.dataplanes.userspace.worker.connection import Connection, End
from lbproxy.dataplanes.userspace.worker.idle_reaper import BACKEND_LIFE
from lbproxy.net.socket_options import KEEPALIVE

from .backends import Resetting
from .bed import Bed, opened
from .ground import needs_ipv6
from .peers import converse, part, until


@pytest.fixture(params=["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
async def anywhere(request: pytest.FixtureRequest) -> AsyncIterator[Bed]:
    """A bed per address family."""
    async with opened(host=request.param) as bed:
        yield bed


async def test_question_and_answer_pass_and_are_counted(anywhere: Bed) -> None:
    bed, backend = anywhere, anywhere.backend()
    client, server = await bed.pair(backend)
    await converse(client, server)
    assert (bed.active(), len(bed.engine), len(bed.engine._relay)) == (1, 1, 2)
    await part(client, server)
    await bed.idles()
    stats = bed.stats(backend)
    assert (bed.service.accepted, stats.connections, bed.closed(backend)) == (1, 1, {"finished": 1})
    assert (stats.bytes_received, stats.bytes_sent) == (len(b"question"), len(b"answer"))


async def test_backend_that_speaks_first_is_heard_first(bed: Bed) -> None:
    client, server = await bed.pair(bed.backend())
    await server.send(b"220 ready")
    await client.hears(b"220 ready")
    await converse(client, server)


async def test_greeting_that_came_with_the_connection_passes(bed: Bed) -> None:
    """The backend speaks before the proxy has noticed that it is connected."""
    bed.change(max_conns=1)
    first, _ = await bed.pair(bed.backend())
    second = bed.client()
    await until(lambda: bed.service.queued == 1)
    bed.backend().accept_now().send_now(b"220 ready")
    await second.hears(b"220 ready")
    first.reset()


async def test_what_the_client_sent_before_it_was_accepted_passes(bed: Bed) -> None:
    backend, client = bed.backend(), bed.client()
    client.send_now(b"question")
    client.finish()
    server = await backend.accept()
    await server.hears(b"question")
    await server.hears_end()
    await server.send(b"answer")
    server.finish()
    await client.hears(b"answer")
    await client.hears_end()
    await bed.idles()


async def test_event_of_a_closed_socket_is_not_taken_for_one_of_its_successor(bed: Bed) -> None:
    """The kernel announces three things at once: a break, a new client, and the break's other half."""
    backend = bed.backend()
    client, server = await bed.pair(backend)
    await converse(client, server)
    client.reset()
    bed.client()
    server.reset()
    successor = await backend.accept()
    await converse(bed.clients[-1], successor)
    assert (bed.closed(backend), bed.failed(backend)) == ({"client_reset": 1}, {})


async def test_bytes_of_a_living_connection_are_counted_at_the_next_sweep(bed: Bed) -> None:
    backend = bed.backend()
    await converse(*await bed.pair(backend))
    assert bed.stats(backend).bytes_received == 0
    bed.pass_time(0.0)
    assert bed.stats(backend).bytes_received == len(b"question")


async def test_only_connections_that_live_on_get_keepalive(bed: Bed) -> None:
    await bed.pair(bed.backend())
    server = bed.connections[0].server
    assert all(server.getsockopt(*option[:2]) != option[2] for option in KEEPALIVE)
    bed.pass_time(1.0)
    assert all(server.getsockopt(*option[:2]) == option[2] for option in BACKEND_LIFE)


async def test_each_tick_is_a_heartbeat(bed: Bed) -> None:
    bed.pass_time(0.25)
    assert bed.blocks[0][HEARTBEAT] == bed.clock.now * MILLISECONDS


async def test_durations_are_counted(bed: Bed) -> None:
    client, server = await bed.pair(bed.backend())
    await until(lambda: len(bed.connections) == 1)
    bed.clock.now += 2.0
    await part(client, server)
    await bed.idles()
    assert bed.service.duration_seconds is not None
    assert (sum(bed.service.duration_seconds.counts), bed.service.duration_seconds.total) == (1, 2.0)


async def test_connections_that_ended_need_no_garbage_collector(bed: Bed) -> None:
    """Workers run without one."""
    gc.collect()
    gc.disable()
    try:
        await _end_in_every_way(bed)
        left = [thing for thing in gc.get_objects() if isinstance(thing, Connection | End)]
    finally:
        gc.enable()
    assert not left


async def _end_in_every_way(bed: Bed) -> None:
    await bed.client().hears_reset()
    backend = bed.backend()
    await part(*await bed.pair(backend))
    client, server = await bed.pair(backend)
    server.reset()
    await client.hears_reset()
    bed.drop(backend)
    bed.add(Resetting())
    await bed.client().hears_reset()
    await bed.idles()
