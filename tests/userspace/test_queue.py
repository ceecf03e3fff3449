"""Clients beyond `max_conns` wait their turn, for a while, and only so many of them."""

from lbproxy.dataplanes.userspace.shared.counters import ACTIVE, backend_at

from .backends import Backend, Blackhole, Refusing
from .harness import Harness
from .peers import Peer, converse, part, until


async def full(harness: Harness, waiting: int = 1) -> tuple[list[Peer], list[Peer]]:
    """One client that fills the only backend, and others that wait; the pair that relays comes first."""
    harness.change(max_conns=1)
    backend = harness.backend()
    client, server = await harness.pair(backend)
    queued = []
    for count in range(1, waiting + 1):
        queued.append(harness.client())
        await until(lambda count=count: harness.service.queued == count)  # type: ignore[misc]
    return [client, server], queued


async def test_client_waits_for_a_place_and_gets_it(harness: Harness) -> None:
    (client, server), (waiting,) = await full(harness)
    await waiting.send(b"question")
    assert not _backend(harness).is_called()
    await part(client, server)
    await (await _backend(harness).accept()).hears(b"question")
    assert (harness.service.queued, harness.active()) == (0, 1)


async def test_clients_are_served_in_the_order_in_which_they_came(harness: Harness) -> None:
    (client, server), queued = await full(harness, waiting=3)
    for waiting in queued:
        await part(client, server)
        server, client = await _backend(harness).accept(), waiting
        await converse(client, server)


async def test_full_queue_resets_the_next_client(harness: Harness) -> None:
    harness.change(queue=2)
    await full(harness, waiting=2)
    await harness.client().hears_reset()
    assert (harness.rejected(), harness.service.queued) == ({"queue_full": 1}, 2)


async def test_queue_of_none_resets_at_once(harness: Harness) -> None:
    harness.change(queue=0)
    await full(harness, waiting=0)
    await harness.client().hears_reset()
    assert harness.rejected() == {"queue_full": 1}


async def test_who_waits_too_long_is_reset(harness: Harness) -> None:
    harness.change(queue_timeout=5.0)
    _, (first,) = await full(harness)
    harness.clock.now += 3.0
    second = harness.client()
    await until(lambda: harness.service.queued == 2)
    harness.pass_time(2.0)
    await first.hears_reset()
    assert second.hears_nothing()
    harness.pass_time(3.0)
    await second.hears_reset()
    assert (harness.rejected(), harness.service.queued) == ({"queue_timeout": 2}, 0)


async def test_time_in_the_queue_counts_from_its_entry(harness: Harness) -> None:
    """It had waited for a silent backend before."""
    harness.change(max_conns=1, queue_timeout=5.0, connect_timeout=4.0)
    silent = harness.add(Blackhole())
    client = harness.client()
    await until(lambda: harness.stats(silent).active == 1)
    await harness.pair(harness.backend())
    harness.pass_time(4.0)
    assert harness.service.queued == 1
    harness.pass_time(4.0)
    assert client.hears_nothing()
    harness.pass_time(1.0)
    await client.hears_reset()
    assert harness.rejected() == {"queue_timeout": 1}


async def test_client_that_leaves_the_queue_is_counted_as_gone(harness: Harness) -> None:
    (client, server), (first, second) = await full(harness, waiting=2)
    first.reset()
    await until(lambda: harness.service.queued == 1)
    await part(client, server)
    await converse(second, await _backend(harness).accept())
    assert harness.rejected() == {"client_gone": 1}


async def test_lower_limit_holds_for_new_clients_only(harness: Harness) -> None:
    backend = harness.backend()
    pairs = [await harness.pair(backend) for _ in range(3)]
    harness.change(max_conns=1)
    waiting = harness.client()
    await until(lambda: harness.service.queued == 1)
    for client, server in pairs:
        await converse(client, server)
        await part(client, server)
    await converse(waiting, await backend.accept())


async def test_higher_limit_lets_the_queue_in_at_once(harness: Harness) -> None:
    _, (waiting,) = await full(harness)
    harness.change(max_conns=2)
    await converse(waiting, await _backend(harness).accept())


async def test_new_backend_takes_who_waits_at_once(harness: Harness) -> None:
    _, (waiting,) = await full(harness)
    await converse(waiting, await harness.backend().accept())


async def test_place_that_another_worker_freed_is_taken_at_the_next_tick(harness: Harness) -> None:
    """The limit is for all workers together, and nobody tells this one."""
    harness.change(max_conns=1)
    backend = harness.backend()
    harness.blocks[1][backend_at(harness.slots[backend]) + ACTIVE] = 1
    waiting = harness.client()
    await until(lambda: harness.service.queued == 1)
    harness.pass_time(0.0)
    assert harness.service.queued == 1
    harness.blocks[1][backend_at(harness.slots[backend]) + ACTIVE] = 0
    harness.pass_time(0.0)
    await converse(waiting, await backend.accept())


async def test_waiting_client_that_one_backend_refused_waits_for_another(harness: Harness) -> None:
    (client, server), (waiting,) = await full(harness)
    refusing = harness.add(Refusing())
    await until(lambda: harness.failed(refusing) == {"refused": 1})
    harness.pass_time(0.0)
    assert (harness.service.queued, harness.stats(refusing).active) == (1, 0)
    await part(client, server)
    await converse(waiting, await _backend(harness).accept())


async def test_queue_is_refused_when_every_backend_that_is_left_fails(harness: Harness) -> None:
    (client, server), queued = await full(harness, waiting=3)
    _backend(harness).sock.close()
    await part(client, server)
    for waiting in queued:
        await waiting.hears_reset()
    await harness.idles()
    assert harness.rejected() == {"connect_failed": 3}


def _backend(harness: Harness) -> Backend:
    backend = next(iter(harness.members))
    assert isinstance(backend, Backend)
    return backend
