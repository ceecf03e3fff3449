"""Bulk streams move by turns: between two of them everybody else is served, and so is the outer loop."""

import pytest

from lbproxy.dataplanes.userspace.worker.byte_loop import TURN
from lbproxy.dataplanes.userspace.worker.pipe import CHUNK

from .backends import Backend
from .harness import WEB, Harness
from .peers import Peer, until

MEGABYTE = bytes(1 << 20)


async def bulk(harness: Harness, backend: Backend, streams: int) -> list[tuple[Peer, Peer]]:
    """So many streams from the backend, with a megabyte each on its way."""
    pairs = [await harness.pair(backend) for _ in range(streams)]
    await until(lambda: not harness.engine._services[WEB].pending.dialing)
    for _, server in pairs:
        server.send_now(MEGABYTE)
    return pairs


async def test_small_request_passes_between_two_turns(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await bulk(harness, backend, streams=4)
    turn, heard = harness.engine._byte_loop.slow_path.turn, []

    def counted_turn() -> None:
        heard.append(not server.hears_nothing())
        if len(heard) == 3:
            client.send_now(b"question")
        turn()

    monkeypatch.setattr(harness.engine._byte_loop.slow_path, "turn", counted_turn)
    await until(lambda: len(heard) > 4)
    assert heard[:4] == [False, False, False, True]


async def test_streams_take_turns(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """None gets its second turn before each has had its first."""
    slow_path, order = harness.engine._byte_loop.slow_path, []
    turn = slow_path.turn

    def noted_turn() -> None:
        order.append(slow_path.bulk[0])
        turn()

    monkeypatch.setattr(slow_path, "turn", noted_turn)
    await bulk(harness, harness.backend(), streams=4)
    await until(lambda: len(order) >= 8)
    assert len(set(order[:4])) == 4
    assert order[4:8] == order[:4]


async def test_bulk_gives_the_outer_loop_its_turn(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes, so `run` returns in the middle of it and says that work is left."""
    await bulk(harness, harness.backend(), streams=4)
    slow_path, turns = harness.engine._byte_loop.slow_path, []
    turn = slow_path.turn

    def noted_turn() -> None:
        turns.append(slow_path.bulk[0])
        turn()

    monkeypatch.setattr(slow_path, "turn", noted_turn)
    harness.clock.step = TURN * 0.4
    assert harness.engine._byte_loop.run()
    assert 0 < len(turns) <= 4


async def test_what_is_left_after_a_turn_goes_on_without_an_event(harness: Harness) -> None:
    """The peers are silent: only the engine itself can know that work is left."""
    pairs = await bulk(harness, harness.backend(), streams=2)
    harness.clock.step = TURN * 2
    for client, _ in pairs:
        await client.hears(MEGABYTE[:2 * CHUNK])


async def test_stream_that_calms_down_costs_no_more_turns(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    sending = server.sending(MEGABYTE)
    await client.hears(MEGABYTE)
    await sending
    end = harness.connections[0].server
    await until(lambda: not harness.engine._byte_loop.slow_path.bulk)
    await server.send(b"a little")
    await client.hears(b"a little")
    await server.send(b"more")
    await client.hears(b"more")
    assert not end.is_bulk
    assert end.sink is harness.connections[0].client
