"""Whatever two sides say, in whatever pieces and at whatever pace: each hears exactly what the other said."""

import asyncio
import random
from dataclasses import dataclass
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lbproxy.dataplanes.userspace.worker.pipe import CHUNK
from lbproxy.dataplanes.userspace.worker.slow_path import SMALL
from tests.support.patience import PATIENCE

from .harness import Harness, opened
from .peers import Peer

MEGABYTES = 3 << 20
SIZES = (st.integers(0, 100) | st.integers(0, 3 * SMALL) | st.integers(0, 2 * CHUNK)
         | st.sampled_from([SMALL - 1, SMALL, SMALL + 1, CHUNK - 1, CHUNK, CHUNK + 1]))


@dataclass(frozen=True)
class Side:
    """What one side does: says so many bytes, in pieces, with pauses, and reads at most so much at once."""

    seed: int
    pieces: list[tuple[int, int]]
    """Bytes, and how often the loop turns afterwards."""
    read_size: int
    read_pause: int
    """How often the loop turns between two reads."""

    def payload(self) -> bytes:
        return random.Random(self.seed).randbytes(sum(size for size, _ in self.pieces))


SIDES = st.builds(
    Side,
    seed=st.integers(0, 1000),
    pieces=st.lists(st.tuples(SIZES, st.integers(0, 4)), max_size=8),
    read_size=st.sampled_from([100, 4096, 65_536, 1 << 20]),
    read_pause=st.sampled_from([0, 0, 0, 1, 5]),
)


async def say(peer: Peer, side: Side) -> None:
    payload, start = memoryview(side.payload()), 0
    for size, pause in side.pieces:
        await peer.send(bytes(payload[start:start + size]))
        start += size
        for _ in range(pause):
            await asyncio.sleep(0)
    peer.finish()


async def hear(peer: Peer, side: Side) -> str:
    """Read to the end, and sum it up."""
    digest, loop = sha256(), asyncio.get_running_loop()
    while part := await loop.sock_recv(peer.sock, side.read_size):
        digest.update(part)
        for _ in range(side.read_pause if len(part) == side.read_size else 0):
            await asyncio.sleep(0)
    return digest.hexdigest()


async def talk(harness: Harness, left: Side, right: Side, receive_buffer: int = 0) -> None:
    """Let both sides say and hear everything at once, over one connection."""
    backend = harness.backend()
    client = harness.client(receive_buffer)
    server = await backend.accept()
    async with asyncio.timeout(2 * PATIENCE), asyncio.TaskGroup() as group:
        heard = [group.create_task(hear(client, left)), group.create_task(hear(server, right))]
        group.create_task(say(client, left))
        group.create_task(say(server, right))
    assert [task.result() for task in heard] == [sha256(side.payload()).hexdigest() for side in (right, left)]
    await harness.idles()
    assert harness.closed(backend) == {"finished": 1}
    counted = harness.stats(backend)
    assert (counted.bytes_received, counted.bytes_sent) == (len(left.payload()), len(right.payload()))


@given(left=SIDES, right=SIDES)
@settings(deadline=None, max_examples=40)
async def test_nothing_is_lost_repeated_or_out_of_order(left: Side, right: Side) -> None:
    async with opened() as harness:
        await talk(harness, left, right)


@given(left=SIDES, right=SIDES)
@settings(deadline=None, max_examples=15)
async def test_narrow_client_gets_everything_too(left: Side, right: Side) -> None:
    """Its buffer is full most of the time: much goes through what is kept aside."""
    async with opened() as harness:
        await talk(harness, left, right, receive_buffer=4096)


@given(talks=st.lists(st.tuples(SIDES, SIDES), min_size=2, max_size=4))
@settings(deadline=None, max_examples=10)
async def test_connections_do_not_mix(talks: list[tuple[Side, Side]]) -> None:
    """They share one buffer in the relay."""
    async with opened() as harness:
        backend = harness.backend()
        pairs = [await harness.pair(backend) for _ in talks]
        async with asyncio.timeout(2 * PATIENCE), asyncio.TaskGroup() as group:
            heard = []
            for (left, right), (client, server) in zip(talks, pairs, strict=True):
                heard += [group.create_task(hear(client, left)), group.create_task(hear(server, right))]
                group.create_task(say(client, left))
                group.create_task(say(server, right))
        expected = [sha256(side.payload()).hexdigest() for left, right in talks for side in (right, left)]
        assert [task.result() for task in heard] == expected


@pytest.mark.parametrize("both_ways", [False, True])
async def test_megabytes_pass_unchanged(harness: Harness, both_ways: bool) -> None:  # noqa: FBT001 - a case
    side = Side(1, [(MEGABYTES, 0)], 65_536, 0)
    await talk(harness, side, side if both_ways else Side(2, [], 65_536, 0))


@given(size=st.integers(0, 3 * CHUNK), cut=st.floats(0, 1))
@settings(deadline=None, max_examples=25)
async def test_what_is_heard_before_a_reset_is_a_true_beginning_and_never_looks_complete(size: int, cut: float) -> None:
    payload = random.Random(size).randbytes(size)
    async with opened() as harness:
        client, server = await harness.pair(harness.backend())
        sending = server.sending(payload)
        heard = await client.receive(int(size * cut))
        await server.break_off(sending)
        heard += await client.receive_until_reset()
        assert heard == payload[:len(heard)]
