"""Clients beyond `max_conns` wait their turn, for a while, and only so many of them."""

from lbproxy.dataplanes.userspace.shared.counters import ACTIVE, backend_at

from .backends import Backend, Blackhole, Refusing
from .bed import Bed
from .peers import Peer, converse, part, until


async def full(bed: Bed, waiting: int = 1) -> tuple[list[Peer], list[Peer]]:
    """One client that fills the only backend, and others that wait; the pair that relays comes first."""
    bed.change(max_conns=1)
    backend = bed.backend()
    client, server = await bed.pair(backend)
    queued = []
    for count in range(1, waiting + 1):
        queued.append(bed.client())
        await until(lambda count=count: bed.service.queued == count)  # type: ignore[misc]
    return [client, server], queued


async def test_client_waits_for_a_place_and_gets_it(bed: Bed) -> None:
    (client, server), (waiting,) = await full(bed)
    await waiting.send(b"question")
    assert not _backend(bed).is_called()
    await part(client, server)
    await (await _backend(bed).accept()).hears(b"question")
    assert (bed.service.queued, bed.active()) == (0, 1)


async def test_clients_are_served_in_the_order_in_which_they_came(bed: Bed) -> None:
    (client, server), queued = await full(bed, waiting=3)
    for waiting in queued:
        await part(client, server)
        server, client = await _backend(bed).accept(), waiting
        await converse(client, server)


async def test_full_queue_resets_the_next_client(bed: Bed) -> None:
    bed.change(queue=2)
    await full(bed, waiting=2)
    await bed.client().hears_reset()
    assert (bed.rejected(), bed.service.queued) == ({"queue_full": 1}, 2)


async def test_queue_of_none_resets_at_once(bed: Bed) -> None:
    bed.change(queue=0)
    await full(bed, waiting=0)
    await bed.client().hears_reset()
    assert bed.rejected() == {"queue_full": 1}


async def test_who_waits_too_long_is_reset(bed: Bed) -> None:
    bed.change(queue_timeout=5.0)
    _, (first,) = await full(bed)
    bed.clock.now += 3.0
    second = bed.client()
    await until(lambda: bed.service.queued == 2)
    bed.pass_time(2.0)
    await first.hears_reset()
    assert second.hears_nothing()
    bed.pass_time(3.0)
    await second.hears_reset()
    assert (bed.rejected(), bed.service.queued) == ({"queue_timeout": 2}, 0)


async def test_time_in_the_queue_counts_from_its_entry(bed: Bed) -> None:
    """It had waited for a silent backend before."""
    bed.change(max_conns=1, queue_timeout=5.0, connect_timeout=4.0)
    silent = bed.add(Blackhole())
    client = bed.client()
    await until(lambda: bed.stats(silent).active == 1)
    await bed.pair(bed.backend())
    bed.pass_time(4.0)
    assert bed.service.queued == 1
    bed.pass_time(4.0)
    assert client.hears_nothing()
    bed.pass_time(1.0)
    await client.hears_reset()
    assert bed.rejected() == {"queue_timeout": 1}


async def test_client_that_leaves_the_queue_is_counted_as_gone(bed: Bed) -> None:
    (client, server), (first, second) = await full(bed, waiting=2)
    first.reset()
    await until(lambda: bed.service.queued == 1)
    await part(client, server)
    await converse(second, await _backend(bed).accept())
    assert bed.rejected() == {"client_gone": 1}


async def test_lower_limit_holds_for_new_clients_only(bed: Bed) -> None:
    backend = bed.backend()
    pairs = [await bed.pair(backend) for _ in range(3)]
    bed.change(max_conns=1)
    waiting = bed.client()
    await until(lambda: bed.service.queued == 1)
    for client, server in pairs:
        await converse(client, server)
        await part(client, server)
    await converse(waiting, await backend.accept())


async def test_higher_limit_lets_the_queue_in_at_once(bed: Bed) -> None:
    _, (waiting,) = await full(bed)
    bed.change(max_conns=2)
    await converse(waiting, await _backend(bed).accept())


async def test_new_backend_takes_who_waits_at_once(bed: Bed) -> None:
    _, (waiting,) = await full(bed)
    await converse(waiting, await bed.backend().accept())


async def test_place_that_another_worker_freed_is_taken_at_the_next_tick(bed: Bed) -> None:
    """The limit is for all workers together, and nobody tells this one."""
    bed.change(max_conns=1)
    backend = bed.backend()
    bed.blocks[1][backend_at(bed.slots[backend]) + ACTIVE] = 1
    waiting = bed.client()
    await until(lambda: bed.service.queued == 1)
    bed.pass_time(0.0)
    assert bed.service.queued == 1
    bed.blocks[1][backend_at(bed.slots[backend]) + ACTIVE] = 0
    bed.pass_time(0.0)
    await converse(waiting, await backend.accept())


async def test_waiting_client_that_one_backend_refused_waits_for_another(bed: Bed) -> None:
    (client, server), (waiting,) = await full(bed)
    refusing = bed.add(Refusing())
    await until(lambda: bed.failed(refusing) == {"refused": 1})
    bed.pass_time(0.0)
    assert (bed.service.queued, bed.stats(refusing).active) == (1, 0)
    await part(client, server)
    await converse(waiting, await _backend(bed).accept())


async def test_queue_is_refused_when_every_backend_that_is_left_fails(bed: Bed) -> None:
    (client, server), queued = await full(bed, waiting=3)
    _backend(bed).sock.close()
    await part(client, server)
    for waiting in queued:
        await waiting.hears_reset()
    await bed.idles()
    assert bed.rejected() == {"connect_failed": 3}


def _backend(bed: Bed) -> Backend:
    backend = next(iter(bed.members))
    assert isinstance(backend, Backend)
    return backend
