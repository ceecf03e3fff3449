"""Hundreds of short connections that end in every way at random: afterwards nothing is left and the totals add up."""

import asyncio
import errno
import random
from collections.abc import Awaitable, Callable

import pytest

from tests.support.patience import PATIENCE

from .backends import Backend, Refusing, Resetting
from .harness import Harness
from .peers import Peer, until

CONNECTIONS = 300
AT_ONCE = 25
BROKEN = {errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN}


async def finish_and_listen(peer: Peer, dice: random.Random) -> None:
    await peer.send(dice.randbytes(dice.choice([0, 1, 1000, 20_000])))
    peer.finish()
    await listen(peer)


async def listen_and_finish(peer: Peer, dice: random.Random) -> None:
    await listen(peer)
    await peer.send(dice.randbytes(dice.choice([0, 1, 50_000])))
    peer.finish()


async def say_and_reset(peer: Peer, dice: random.Random) -> None:
    await peer.send(dice.randbytes(dice.choice([0, 1, 1000, 100_000])))
    peer.reset()


async def say_and_close(peer: Peer, dice: random.Random) -> None:
    """Whatever the other has said meanwhile makes a reset of it."""
    await peer.send(dice.randbytes(dice.choice([0, 10, 300_000])))
    peer.close()


async def hear_a_bit_and_reset(peer: Peer, dice: random.Random) -> None:
    await peer.receive(dice.choice([1, 500]))
    peer.reset()


async def reset_at_once(peer: Peer, _: random.Random) -> None:
    peer.reset()


async def listen(peer: Peer) -> None:
    while await peer.receive(4096):
        pass


Manner = Callable[[Peer, random.Random], Awaitable[None]]
CLIENTS: list[Manner] = [finish_and_listen, finish_and_listen, say_and_reset, say_and_close, reset_at_once]
SERVERS: list[Manner] = [finish_and_listen, listen_and_finish, listen_and_finish, say_and_reset, say_and_close,
                         hear_a_bit_and_reset, reset_at_once]


async def act(peer: Peer, manners: list[Manner], dice: random.Random) -> None:
    try:
        await dice.choice(manners)(peer, dice)
    except OSError as error:
        if error.errno not in BROKEN:
            raise
    finally:
        peer.close()


async def serve(backend: Backend, dice: random.Random, group: asyncio.TaskGroup) -> None:
    while True:
        await asyncio.sleep(0)
        if backend.is_called():
            group.create_task(act(backend.accept_now(), SERVERS, dice))


async def throng(harness: Harness, backends: list[Backend], dice: random.Random) -> None:
    """All clients, so many at once, against backends with moods of their own."""
    places = asyncio.Semaphore(AT_ONCE)

    async def visit() -> None:
        async with places:
            await act(harness.client(), CLIENTS, dice)

    async with asyncio.timeout(3 * PATIENCE), asyncio.TaskGroup() as servers:
        serving = [servers.create_task(serve(backend, dice, servers)) for backend in backends]
        async with asyncio.TaskGroup() as clients:
            for _ in range(CONNECTIONS):
                clients.create_task(visit())
        await until(lambda: harness.service.accepted == CONNECTIONS and not len(harness.engine))
        for task in serving:
            task.cancel()


@pytest.mark.parametrize("seed", [1, 2])
async def test_totals_add_up_after_a_throng(harness: Harness, seed: int) -> None:
    """Each client ends once; an attempt fails, ends or is given up with its client; a failure is made good or final."""
    harness.change(connect_retries=2)
    backends = [harness.backend(), harness.backend(), harness.add(Resetting())]
    harness.add(Refusing())
    await throng(harness, backends[:2], random.Random(seed))
    await harness.idles()
    totals, rejected = harness.totals(), harness.service.rejected
    assert totals["closed"] + sum(rejected.values()) == CONNECTIONS
    assert totals["attempts"] == CONNECTIONS + totals["retries"]
    assert totals["attempts"] == totals["failed"] + totals["closed"] + rejected["client_gone"]
    assert totals["failed"] == totals["retries"] + rejected["connect_failed"]
    assert min(totals.values()) > 0


async def test_limit_holds_and_the_queue_empties_in_a_throng(harness: Harness) -> None:
    harness.change(max_conns=3)
    backends = [harness.backend(), harness.backend()]
    most: list[int] = []

    async def watch() -> None:
        while not most or len(harness.engine) or harness.service.accepted < CONNECTIONS:
            most.append(max(harness.stats(backend).active for backend in backends))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        await throng(harness, backends, random.Random(3))
    assert max(most) == 3
    await harness.idles()
    assert harness.totals()["closed"] + sum(harness.service.rejected.values()) == CONNECTIONS
