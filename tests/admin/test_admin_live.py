"""The live stream: what each page gets, its limits, and that it stops when no page is open."""

import asyncio
import json
import select
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from lbproxy.admin import live, server
from lbproxy.admin.live import LiveStream, Subscriber
from lbproxy.admin.live_snapshot import COLUMNS
from lbproxy.admin.rates import Growth, point, quantile, since
from lbproxy.model.address import Address
from lbproxy.model.event_log import EventLog
from lbproxy.model.snapshot import BackendKey, State
from lbproxy.model.stats import BackendStats, Histogram, ServiceStats, Stats
from tests.support.patience import NEVER, PATIENCE

from .fakes import ONE, TWO, FakeStatus, admin_context, backend, busy_status, snapshot

Message = tuple[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "INTERVAL", 0.01)
    monkeypatch.setattr(live, "LARGEST_SHARE", 1.0)


@pytest.fixture
async def live_stream(status: FakeStatus) -> AsyncIterator[LiveStream]:
    live_stream = LiveStream(status, EventLog())
    yield live_stream
    await live_stream.close()


def messages(content: bytes) -> list[Message]:
    parts = [part.partition("\n") for part in content.decode().split("\n\n") if part]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, _, data in parts]


async def next_messages(live_stream: LiveStream, subscriber: Subscriber) -> list[Message]:
    async with asyncio.timeout(PATIENCE):
        return messages(await live_stream.next(subscriber))


async def change(live_stream: LiveStream, subscriber: Subscriber, key: str) -> dict[str, Any]:
    """Wait for a change message in which this key is not empty."""
    while True:
        for name, content in await next_messages(live_stream, subscriber):
            if name == "change" and content.get(key):
                return content


def row(values: list[object]) -> dict[str, Any]:
    return dict(zip(COLUMNS, values, strict=True))


async def test_first_message_is_the_whole_state(live_stream: LiveStream, status: FakeStatus) -> None:
    with live_stream.subscribed() as subscriber:
        ((name, content),) = await next_messages(live_stream, subscriber)
    assert name == "state"
    service = content["services"]["web"]
    assert service["head"]["rejected"] == {"no_backend": 3}
    assert [row(one)["address"] for one in service["rows"]] == [str(ONE), str(TWO)]
    assert (row(service["rows"][0])["active"], row(service["rows"][0])["received"]) == (5, 700)
    assert content["program"]["not_ready"] is status.not_ready
    assert service["curve"] == []


async def test_only_changes_are_sent(live_stream: LiveStream, status: FakeStatus) -> None:
    with live_stream.subscribed() as subscriber:
        await next_messages(live_stream, subscriber)
        assert (await next_messages(live_stream, subscriber))[0][1]["services"] == {}
        grown = BackendStats(active=6, connections=61)
        status.counted.backends = {**status.counted.backends, BackendKey("web", ONE): grown}
        content = await change(live_stream, subscriber, "services")
    (only,) = content["services"]["web"]["rows"]
    assert (row(only)["address"], row(only)["active"]) == (str(ONE), 6)
    assert "head" in content["services"]["web"], "the sums of its reasons changed"


async def test_changed_states_and_removed_backends_and_services_are_sent(
        live_stream: LiveStream, status: FakeStatus) -> None:
    with live_stream.subscribed() as subscriber:
        await next_messages(live_stream, subscriber)
        status.snapshot = snapshot(backend(state=State.DOWN), version=2)
        status.counted = Stats({}, {})
        content = await change(live_stream, subscriber, "services")
        assert content["services"]["web"]["gone"] == [str(TWO)]
        assert row(content["services"]["web"]["rows"][0])["state"] == "down"
        status.snapshot = snapshot(service="api", version=3)
        content = await change(live_stream, subscriber, "gone")
    assert (content["gone"], list(content["services"])) == (["web"], ["api"])


async def test_trouble_of_the_program_is_sent(live_stream: LiveStream, status: FakeStatus) -> None:
    with live_stream.subscribed() as subscriber:
        await next_messages(live_stream, subscriber)
        status.not_ready, status.trouble = "no usable backend", "address in use"
        content = await change(live_stream, subscriber, "program")
    assert (content["program"]["not_ready"], content["program"]["trouble"]) == ("no usable backend", "address in use")


async def test_events_are_sent_once(status: FakeStatus) -> None:
    event_log = EventLog()
    event_log(None, "info", {"event": "serving"})
    live_stream = LiveStream(status, event_log)
    with live_stream.subscribed() as subscriber:
        ((_, state),) = await next_messages(live_stream, subscriber)
        event_log(None, "error", {"event": "worker died", "worker": 1})
        content = await change(live_stream, subscriber, "events")
    await live_stream.close()
    assert [event["number"] for event in state["events"]] == [1]
    assert [(event["number"], event["kind"]) for event in content["events"]] == [(2, "worker")]


async def test_curve_grows_while_a_page_is_open_and_is_sent_to_the_next_page(
        live_stream: LiveStream, status: FakeStatus) -> None:
    with live_stream.subscribed() as subscriber:
        await next_messages(live_stream, subscriber)
        status.counted.services = {"web": ServiceStats(accepted=190)}
        content = await change(live_stream, subscriber, "services")
        assert content["services"]["web"]["point"][1] > 0
        with live_stream.subscribed() as other:
            ((_, state),) = await next_messages(live_stream, other)
    assert max(point[1] for point in state["services"]["web"]["curve"]) > 0


async def test_sampling_stops_when_no_page_is_open(status: FakeStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LINGER", 0.0)
    live_stream = LiveStream(status, EventLog())
    before = asyncio.all_tasks()
    with live_stream.subscribed() as subscriber:
        await next_messages(live_stream, subscriber)
        task, = asyncio.all_tasks() - before
    async with asyncio.timeout(PATIENCE):
        await task
    with live_stream.subscribed() as subscriber:
        assert (await next_messages(live_stream, subscriber))[0][0] == "state"
    await live_stream.close()


async def test_page_that_does_not_keep_up_gets_the_latest_state_instead(
        live_stream: LiveStream, status: FakeStatus) -> None:
    with live_stream.subscribed() as slow, live_stream.subscribed() as quick:
        await next_messages(live_stream, slow)
        for number in range(live.QUEUE + 2):
            status.not_ready = str(number)
            while not any("program" in content for _, content in await next_messages(live_stream, quick)):
                pass
        ((name, content),) = await next_messages(live_stream, slow)
    assert (name, content["program"]["not_ready"]) == ("state", str(live.QUEUE + 1))


async def test_queue_of_a_page_is_bounded() -> None:
    subscriber = Subscriber()
    subscriber.is_behind = False
    for _ in range(10_000):
        subscriber.offer(b"x")
    assert (subscriber.is_behind, subscriber.take()) == (True, b"")


async def test_failure_while_sampling_is_logged_and_ends_the_streams(
        live_stream: LiveStream, status: FakeStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    with live_stream.subscribed() as subscriber:
        await next_messages(live_stream, subscriber)
        monkeypatch.setattr(status, "program", lambda: 1 / 0)
        async with asyncio.timeout(PATIENCE):
            while not subscriber.has_ended:
                await live_stream.next(subscriber)
    monkeypatch.undo()


async def test_stream_is_server_sent_events_with_the_headers_of_every_answer(client: aiohttp.ClientSession) -> None:
    async with client.get("/stream") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        lines = [await answer.content.readline() for _ in range(2)]
    assert (lines[0], lines[1][:6]) == (b"event: state\n", b"data: ")


async def test_pages_beyond_the_limit_are_refused(
        client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_SUBSCRIBERS", 1)
    async with client.get("/stream") as first:
        await first.content.readline()
        async with client.get("/stream") as second:
            assert second.status == 503
            assert await second.text() == "1 pages are open, and no more are allowed; close some\n"


async def test_page_that_does_not_read_is_cut_off(status: FakeStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SEND_TIMEOUT", 0.05)
    status.trouble = "x" * 20_000_000  # more than all buffers on the way
    async with server.serve([Address("127.0.0.1", 0)], admin_context(status)) as (address,):
        assert isinstance(address, Address)
        with socket.create_connection(address) as sock:
            sock.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            only_its_end = select.poll()
            only_its_end.register(sock, 0)
            ((_, event),) = await asyncio.to_thread(only_its_end.poll, 5000)
    assert event & select.POLLERR


async def test_server_closes_at_once_with_open_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SHUTDOWN_TIMEOUT", NEVER)
    async with aiohttp.ClientSession() as client:
        async with server.serve([Address("127.0.0.1", 0)], admin_context(busy_status())) as (address,):
            answer = await client.get(f"http://{address}/stream")
            await answer.content.readline()
            ending = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - ending < PATIENCE
        answer.close()


def test_quantiles_are_interpolated_as_prometheus_does() -> None:
    bounds = (0.001, 0.01, 0.1)
    assert quantile(bounds, [0, 10, 0, 0], 0.5) == 5.5
    assert quantile(bounds, [10, 0, 0, 0], 0.99) == 0.99
    assert quantile(bounds, [0, 0, 0, 3], 0.5) == 100.0, "above every bound"
    assert quantile(bounds, [0, 0, 0, 0], 0.5) is None
    assert quantile((), [], 0.5) is None


def test_point_holds_rates_of_what_was_counted_in_between() -> None:
    grown = since(Histogram((1.0,), [4, 1], 9.0), Histogram((1.0,), [6, 1], 10.0))
    found = point(5, 2.0, 7, Growth(10, 200, 400, 1, 0, grown))
    assert not found.is_quiet
    assert tuple(found) == (5, 5.0, 100.0, 200.0, 0.5, 0.0, 7, 500.0, 990.0)
    assert point(5, 0.0, 7, Growth(10, 200, 400, 1, 0, None)).is_quiet, "no time has passed"
    assert since(None, None) is None
