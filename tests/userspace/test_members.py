"""Backends come, change and go while connections last."""

from lbproxy.model.snapshot import Scheduler

from .backends import Blackhole, Resetting
from .bed import Bed
from .peers import converse, part, until


async def test_dropped_backend_resets_what_it_still_has(bed: Bed) -> None:
    backend = bed.backend()
    pairs = [await bed.pair(backend) for _ in range(3)]
    await until(lambda: len(bed.connections) == 3)
    bed.drop(backend)
    for client, server in pairs:
        await client.hears_reset()
        await server.hears_reset()
    await bed.idles()
    assert bed.closed(backend) == {"drain_timeout": 3}


async def test_dropping_one_backend_leaves_the_others_alone(bed: Bed) -> None:
    gone, kept = bed.backend(), bed.backend()
    victim, _ = await bed.pair(gone)
    client, server = await bed.pair(kept)
    bed.drop(gone)
    await victim.hears_reset()
    await converse(client, server)


async def test_dropping_who_has_yet_to_answer_tries_another(bed: Bed) -> None:
    silent, client = bed.add(Blackhole()), bed.client()
    await until(lambda: bed.stats(silent).active == 1)
    good = bed.backend()
    bed.drop(silent)
    await converse(client, await good.accept())
    assert (bed.stats(silent).active, bed.failed(silent)) == (0, {})


async def test_dropping_the_last_backend_refuses_who_waits_for_it(bed: Bed) -> None:
    silent, client = bed.add(Blackhole()), bed.client()
    await until(lambda: bed.stats(silent).active == 1)
    bed.drop(silent)
    await client.hears_reset()
    await bed.idles()
    assert bed.rejected() == {"no_backend": 1}


async def test_dropping_what_is_not_known_changes_nothing(bed: Bed) -> None:
    client, server = await bed.pair(bed.backend())
    stranger = bed.backend()
    bed.drop(stranger)
    bed.drop(stranger)
    await converse(client, server)


async def test_backend_that_comes_back_serves_again(bed: Bed) -> None:
    backend = bed.backend()
    bed.drop(backend)
    await bed.client().hears_reset()
    bed.update(backend)
    await converse(*await bed.pair(backend))


async def test_backend_that_comes_back_in_another_slot_is_counted_there(bed: Bed) -> None:
    """And is one backend, not two."""
    backend, other = bed.backend(), bed.backend()
    bed.update(backend, slot=bed.hold("another slot"))
    pairs = [await bed.pair(other), await bed.pair(backend)]
    assert (bed.stats("another slot").active, bed.stats(backend).active, bed.stats(other).active) == (1, 0, 1)
    for client, server in pairs:
        await part(client, server)


async def test_backend_closed_for_new_clients_keeps_what_it_has(bed: Bed) -> None:
    closing, good = bed.backend(), bed.backend()
    client, server = await bed.pair(closing)
    bed.update(closing, is_open=False)
    for _ in range(3):
        await converse(*await bed.pair(good))
    await converse(client, server)
    assert (bed.stats(closing).active, bed.stats(good).active) == (1, 3)


async def test_service_whose_backends_are_all_closed_refuses(bed: Bed) -> None:
    backend = bed.backend()
    bed.update(backend, is_open=False)
    await bed.client().hears_reset()
    assert bed.rejected() == {"no_backend": 1}


async def test_weight_zero_takes_no_new_clients_and_a_weight_again_does(bed: Bed) -> None:
    backend = bed.backend()
    bed.update(backend, weight=0)
    await bed.client().hears_reset()
    bed.update(backend, weight=5)
    await converse(*await bed.pair(backend))


async def test_least_connections_remember_what_a_backend_had_before_it_was_closed(bed: Bed) -> None:
    busy, idle = bed.backend(), bed.backend()
    for backend in (busy, idle, busy, idle, busy):
        await bed.pair(backend)
    bed.update(busy, is_open=False)
    bed.update(busy, is_open=True)
    await bed.pair(idle)


async def test_weights_are_followed_and_so_is_their_change(bed: Bed) -> None:
    bed.change(scheduler=Scheduler.WRR)
    heavy, light = bed.backend(), bed.backend()
    bed.update(heavy, weight=3)
    assert await _shares(bed, heavy, light, clients=8) == (6, 2)
    bed.update(heavy, weight=1)
    bed.update(light, weight=3)
    assert await _shares(bed, heavy, light, clients=8) == (2, 6)


async def test_another_scheduler_takes_over_with_the_counts(bed: Bed) -> None:
    first, second = bed.backend(), bed.backend()
    kept = await bed.pair(first)
    await part(*await bed.pair(second))
    bed.change(scheduler=Scheduler.WLC)
    await bed.pair(second)
    await converse(*kept)


async def test_backend_that_resets_every_connection_takes_none_of_them_down(bed: Bed) -> None:
    bed.add(Resetting())
    good = bed.backend()
    for _ in range(10):
        client = bed.client()
        await converse(client, await good.accept())


async def _shares(bed: Bed, *backends: object, clients: int) -> tuple[int, ...]:
    before = [bed.stats(backend).connections for backend in backends]
    accepted = bed.service.accepted + clients
    for _ in range(clients):
        bed.client()
    await until(lambda: bed.service.accepted == accepted)
    return tuple(bed.stats(backend).connections - count for backend, count in zip(backends, before, strict=True))
