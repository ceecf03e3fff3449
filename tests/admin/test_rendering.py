"""Long answers: made once, in slices, and not for clients that have left; probes are answered meanwhile."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from time import monotonic, process_time

import aiohttp
import pytest

from lbproxy.admin import server
from lbproxy.admin.metrics import TableMetrics
from lbproxy.admin.rendering import SharedWork, in_slices
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Backend, BackendKey, State
from lbproxy.model.stats import BackendStats, ServiceStats, Stats
from tests.support.patience import PATIENCE

from .fakes import FakeStatus, snapshot

MANY = 10_000
AT_ONCE = 0.1
"""Seconds in which a probe is answered, whatever else is asked for."""
ADDRESSES = [Address(f"10.0.{number // 250}.{number % 250}", 80) for number in range(MANY)]


class Counted(FakeStatus):
    """Counts how often its counters are read."""

    reads = 0

    def stats(self) -> Stats:
        self.reads += 1
        return super().stats()


@pytest.fixture
def status() -> FakeStatus:
    """Ten thousand backends."""
    stats = BackendStats(1, connections=5, bytes_received=7, bytes_sent=8, failures=dict.fromkeys("abcdef", 0),
                         closed={"finished": 3, **dict.fromkeys("abcdefgh", 0)})
    backends = [Backend(address, 1, State.ACTIVE, "ready", 0.0) for address in ADDRESSES]
    counted = Stats({"web": ServiceStats()}, {BackendKey("web", address): stats for address in ADDRESSES})
    return Counted(snapshot(*backends), counted)


async def test_a_scrape_of_ten_thousand_backends_takes_a_fifth_of_a_second_of_cpu(status: FakeStatus) -> None:
    metrics = TableMetrics(status)
    took = []
    for _ in range(3):
        began = process_time()
        await in_slices(metrics.pieces())
        took.append(process_time() - began)
    assert min(took) <= 0.2


@pytest.mark.parametrize("path", ["/metrics", "/backends", "/explain"])
async def test_clients_that_ask_at_the_same_time_share_one_answer(
        client: aiohttp.ClientSession, status: Counted, path: str) -> None:
    answers = await asyncio.gather(*(_text(client, path) for _ in range(10)))
    assert len(set(answers)) == 1
    assert status.reads == 1


@pytest.mark.parametrize("path", ["/metrics", "/backends", "/explain"])
async def test_answers_that_nobody_waits_for_cost_nothing_more(
        address: Address, status: Counted, client: aiohttp.ClientSession, path: str) -> None:
    for _ in range(20):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await writer.drain()
        before = status.reads
        async with asyncio.timeout(PATIENCE):
            while status.reads == before:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0)
        writer.transport.abort()
        del reader
    began = process_time()
    assert await _text(client, "/healthz") == "ok\n"
    assert process_time() - began < 1.0


@pytest.mark.parametrize("path", ["/metrics", "/backends", "/explain"])
async def test_a_probe_is_answered_while_long_answers_are_made(client: aiohttp.ClientSession, path: str) -> None:
    await _text(client, "/healthz")
    asked = asyncio.create_task(_text(client, path))
    waits = []
    while not asked.done():
        began = monotonic()
        await _text(client, "/healthz")
        waits.append(monotonic() - began)
    await asked
    assert sorted(waits)[len(waits) // 2] < AT_ONCE


@pytest.mark.parametrize("sent", [b"", b"GET /metr"])
async def test_probes_find_a_place_while_hundreds_of_connections_hold_the_others(
        address: Address, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 20)
    async with AsyncExitStack() as held:
        for _ in range(20 + 2 * server.PROBE_PLACES):
            _, writer = await asyncio.open_connection(*address)
            held.callback(writer.close)
            writer.write(sent)
        for path in ("/healthz", "/readyz"):
            async with aiohttp.request("GET", f"http://{address}{path}") as answer:
                assert (answer.status, answer.headers["Connection"]) == (200, "close")
        async with aiohttp.request("GET", f"http://{address}/backends") as answer:
            assert (answer.status, await answer.text()) == (
                503, "20 clients are connected, and no more are served; close some\n")


class Slow:
    """An answer that takes until it is told to end."""

    def __init__(self) -> None:
        self.began = self.cancelled = 0
        self.may_end = asyncio.Event()

    async def make(self) -> bytes:
        self.began += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return b"done"


@pytest.fixture
async def slow() -> Slow:
    return Slow()


async def test_work_goes_on_for_the_clients_that_stay(slow: Slow) -> None:
    shared = SharedWork()
    first, second = (asyncio.create_task(shared.get("x", slow.make)) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    slow.may_end.set()
    assert (await second, slow.began, slow.cancelled) == (b"done", 1, 0)


async def test_work_ends_with_the_last_client_and_a_later_one_has_it_made_anew(slow: Slow) -> None:
    shared = SharedWork()
    for _ in range(3):
        alone = asyncio.create_task(shared.get("x", slow.make))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        alone.cancel()
        await asyncio.wait([alone])
    slow.may_end.set()
    assert await shared.get("x", slow.make) == b"done"
    assert (slow.began, slow.cancelled) == (4, 3)


async def test_error_reaches_every_client_and_is_not_kept() -> None:
    async def broken() -> bytes:
        raise RuntimeError("broken")

    shared = SharedWork()
    errors = await asyncio.gather(*(shared.get("x", broken) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in errors] == ["broken"] * 3
    with pytest.raises(RuntimeError):
        await shared.get("x", broken)


async def test_other_work_gets_its_turn_between_slices() -> None:
    turns: list[float] = []

    def pieces() -> Iterator[str]:
        began = monotonic()
        while len(turns) < 5 and monotonic() - began < PATIENCE:
            yield ""
        yield "x"

    async def other() -> None:
        while True:
            turns.append(monotonic())
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    assert await in_slices(pieces()) == b"x"
    task.cancel()
    assert len(turns) >= 5


async def _text(client: aiohttp.ClientSession, path: str) -> str:
    async with client.get(path) as answer:
        assert answer.status == 200
        text = await answer.text()
    if path in {"/backends", "/explain"}:
        json.loads(text)
    return text
