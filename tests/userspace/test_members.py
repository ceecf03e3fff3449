"""Backends come, change and go while connections last."""

from lbproxy.model.snapshot import Scheduler

from .backends import Blackhole, Resetting
from .harness import Harness
from .peers import converse, part, until


async def test_dropped_backend_resets_what_it_still_has(harness: Harness) -> None:
    backend = harness.backend()
    pairs = [await harness.pair(backend) for _ in range(3)]
    await until(lambda: len(harness.connections) == 3)
    harness.drop(backend)
    for client, server in pairs:
        await client.hears_reset()
        await server.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"drain_timeout": 3}


async def test_dropping_one_backend_leaves_the_others_alone(harness: Harness) -> None:
    gone, kept = harness.backend(), harness.backend()
    victim, _ = await harness.pair(gone)
    client, server = await harness.pair(kept)
    harness.drop(gone)
    await victim.hears_reset()
    await converse(client, server)


async def test_dropping_who_has_yet_to_answer_tries_another(harness: Harness) -> None:
    silent, client = harness.add(Blackhole()), harness.client()
    await until(lambda: harness.stats(silent).active == 1)
    good = harness.backend()
    harness.drop(silent)
    await converse(client, await good.accept())
    assert (harness.stats(silent).active, harness.failed(silent)) == (0, {})


async def test_dropping_the_last_backend_refuses_who_waits_for_it(harness: Harness) -> None:
    silent, client = harness.add(Blackhole()), harness.client()
    await until(lambda: harness.stats(silent).active == 1)
    harness.drop(silent)
    await client.hears_reset()
    await harness.idles()
    assert harness.rejected() == {"no_backend": 1}


async def test_dropping_what_is_not_known_changes_nothing(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    stranger = harness.backend()
    harness.drop(stranger)
    harness.drop(stranger)
    await converse(client, server)


async def test_backend_that_comes_back_serves_again(harness: Harness) -> None:
    backend = harness.backend()
    harness.drop(backend)
    await harness.client().hears_reset()
    harness.update(backend)
    await converse(*await harness.pair(backend))


async def test_backend_that_comes_back_in_another_slot_is_counted_there(harness: Harness) -> None:
    """And is one backend, not two."""
    backend, other = harness.backend(), harness.backend()
    harness.update(backend, slot=harness.hold("another slot"))
    pairs = [await harness.pair(other), await harness.pair(backend)]
    assert [harness.stats(one).active for one in ("another slot", backend, other)] == [1, 0, 1]
    for client, server in pairs:
        await part(client, server)


async def test_backend_closed_for_new_clients_keeps_what_it_has(harness: Harness) -> None:
    closing, good = harness.backend(), harness.backend()
    client, server = await harness.pair(closing)
    harness.update(closing, is_open=False)
    for _ in range(3):
        await converse(*await harness.pair(good))
    await converse(client, server)
    assert (harness.stats(closing).active, harness.stats(good).active) == (1, 3)


async def test_service_whose_backends_are_all_closed_refuses(harness: Harness) -> None:
    backend = harness.backend()
    harness.update(backend, is_open=False)
    await harness.client().hears_reset()
    assert harness.rejected() == {"no_backend": 1}


async def test_weight_zero_takes_no_new_clients_and_a_weight_again_does(harness: Harness) -> None:
    backend = harness.backend()
    harness.update(backend, weight=0)
    await harness.client().hears_reset()
    harness.update(backend, weight=5)
    await converse(*await harness.pair(backend))


async def test_least_connections_remember_what_a_backend_had_before_it_was_closed(harness: Harness) -> None:
    busy, idle = harness.backend(), harness.backend()
    for backend in (busy, idle, busy, idle, busy):
        await harness.pair(backend)
    harness.update(busy, is_open=False)
    harness.update(busy, is_open=True)
    await harness.pair(idle)


async def test_weights_are_followed_and_so_is_their_change(harness: Harness) -> None:
    harness.change(scheduler=Scheduler.WRR)
    heavy, light = harness.backend(), harness.backend()
    harness.update(heavy, weight=3)
    assert await _shares(harness, heavy, light, clients=8) == (6, 2)
    harness.update(heavy, weight=1)
    harness.update(light, weight=3)
    assert await _shares(harness, heavy, light, clients=8) == (2, 6)


async def test_another_scheduler_takes_over_with_the_counts(harness: Harness) -> None:
    first, second = harness.backend(), harness.backend()
    kept = await harness.pair(first)
    await part(*await harness.pair(second))
    harness.change(scheduler=Scheduler.WLC)
    await harness.pair(second)
    await converse(*kept)


async def test_backend_that_resets_every_connection_takes_none_of_them_down(harness: Harness) -> None:
    harness.add(Resetting())
    good = harness.backend()
    for _ in range(10):
        client = harness.client()
        await converse(client, await good.accept())


async def _shares(harness: Harness, *backends: object, clients: int) -> tuple[int, ...]:
    before = [harness.stats(backend).connections for backend in backends]
    accepted = harness.service.accepted + clients
    for _ in range(clients):
        harness.client()
    await until(lambda: harness.service.accepted == accepted)
    return tuple(harness.stats(backend).connections - count for backend, count in zip(backends, before, strict=True))
