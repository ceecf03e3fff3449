"""When descriptors run short, connections go on and clients wait in the kernel until there are some again."""

import inspect
import os
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from lbproxy.dataplanes.userspace.main import counter_view
from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.worker import engine
from lbproxy.dataplanes.userspace.worker.engine import RESERVED_DESCRIPTORS
from lbproxy.model.stats import WorkerStats

from .harness import Harness, opened
from .peers import Peer, converse, part, until

CLIENTS = 3
LIMIT = 2 * CLIENTS
LONG = 60
"""Clients in a queue."""


@pytest.fixture
async def small() -> AsyncIterator[Harness]:
    """A harness with descriptors for three clients."""
    async with opened(descriptors=RESERVED_DESCRIPTORS + LIMIT) as harness:
        yield harness


async def overflow(harness: Harness) -> tuple[list[tuple[Peer, Peer]], Peer]:
    """As many connections as there may be, and one client that is not accepted."""
    backend = harness.backend()
    pairs = [await harness.pair(backend) for _ in range(CLIENTS)]
    late = harness.client()
    await until(lambda: harness.engine._gate.is_paused)
    return pairs, late


async def test_accepting_pauses_and_connections_go_on(small: Harness) -> None:
    pairs, late = await overflow(small)
    for client, server in pairs:
        await converse(client, server)
    assert late.hears_nothing()
    assert small.service.accepted == CLIENTS


async def test_pause_is_counted_and_reported_once(small: Harness) -> None:
    pairs, _ = await overflow(small)
    small.client()
    small.pass_time(1.0)
    await converse(*pairs[0])
    assert (worker(small).is_paused, worker(small).accept_pauses, worker(small).descriptors) == (True, 1, LIMIT)
    assert worker(small).descriptor_limit == LIMIT
    assert small.reports == [(wire.PAUSED, {"reason": "descriptors", "limit": LIMIT})]


async def test_who_waited_is_served_when_another_has_left(small: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody calls: the engine's own tick finds out."""
    monkeypatch.setattr(engine, "TICK", 0.001)
    pairs, late = await overflow(small)
    await part(*pairs[0])
    await converse(late, await next(iter(small.members)).accept())  # type: ignore[attr-defined]
    assert (worker(small).is_paused, worker(small).accept_pauses) == (False, 1)
    assert [event for event, _ in small.reports] == [wire.PAUSED, wire.RESUMED]


async def test_socket_added_during_a_pause_is_served_after_it(small: Harness) -> None:
    pairs, late = await overflow(small)
    small.address = small.listen()
    second = small.client()
    for client, server in pairs:
        await part(client, server)
    small.pass_time(0.0)
    backend = next(iter(small.members))
    for client in (late, second):
        await converse(client, await backend.accept())  # type: ignore[attr-defined]


async def test_socket_given_up_during_a_pause_is_closed(small: Harness) -> None:
    """There is no descriptor to serve its clients with: the kernel resets them."""
    _, late = await overflow(small)
    small.engine.unlisten(small.address)
    await late.hears_reset()
    assert small.service.accepted == CLIENTS


async def test_accept_that_finds_no_descriptor_pauses(harness: Harness) -> None:
    """The limit of the process is lower than was thought."""
    backend, client = harness.backend(), harness.client()
    with spare_descriptors(0):
        harness.engine._run()
    assert (worker(harness).is_paused, worker(harness).accept_errors, harness.service.accepted) == (True, 1, 0)
    assert harness.reports == [(wire.PAUSED, {"reason": "Too many open files", "limit": harness.engine._gate.limit})]
    harness.pass_time(0.0)
    await converse(client, await backend.accept())


async def test_client_for_whose_backend_no_descriptor_is_left_is_reset(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client()
    with spare_descriptors(1):
        harness.engine._run()
    await client.hears_reset()
    assert (harness.rejected(), harness.failed(backend)) == ({"descriptors": 1}, {})
    assert worker(harness).is_paused
    assert harness.reports == [(wire.PAUSED, {"reason": "descriptors", "limit": harness.engine._gate.limit})]
    harness.pass_time(0.0)
    await converse(*await harness.pair(backend))


async def test_long_queue_that_finds_no_descriptor_is_refused_one_after_the_other(harness: Harness) -> None:
    """Each refusal gives its place back, and that must not admit the next client from within."""
    harness.change(max_conns=1)
    await harness.pair(harness.backend())
    queued = [harness.client() for _ in range(LONG)]
    await until(lambda: harness.service.queued == LONG)
    with spare_descriptors(0), spare_frames(LONG):
        harness.change(max_conns=2)
    for client in queued:
        await client.hears_reset()
    assert (harness.rejected(), harness.service.queued) == ({"descriptors": LONG}, 0)


def worker(harness: Harness) -> WorkerStats:
    return counter_view.worker_stats(harness.blocks[0], 0, 1, harness.clock.now)


@contextmanager
def spare_descriptors(count: int) -> Iterator[None]:
    """Let this process open so many more, for a moment."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def spare_frames(count: int) -> Iterator[None]:
    """Let functions call each other only so much deeper, for a moment."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + count)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
