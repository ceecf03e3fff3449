"""Lists that fail for ever, or never end, and watches that bring nothing: they are bounded, and said."""

import asyncio
import json
import resource
import zlib
from collections.abc import AsyncIterator
from itertools import count

import pytest
from aiohttp import web
from structlog.typing import EventDict

from lbproxy.sources.kubernetes.client import silence, unpacking, watch
from lbproxy.sources.kubernetes.client.api_connection import GarbledError
from lbproxy.sources.kubernetes.client.unpacking import PIECE, joined, unpacked
from tests.support.fake_api import END, FakeApi, Request, status
from tests.support.objects import a_slice, endpoint
from tests.support.waiting import until

from .conftest import Cluster

SLICES = "endpointslices"
BOTH = (SLICES, "services")
GIGABYTE = 1 << 30


def errors(logs: list[EventDict]) -> list[str]:
    return [str(line["error"]) for line in logs if "error" in line and line["resource"] == SLICES]


async def settle(cluster: Cluster, server: FakeApi) -> None:
    cluster.follow()
    await cluster.says("10.0.0.1")
    await until(lambda: server.watched(*BOTH))


def list_again(server: FakeApi) -> None:
    server.fail(410, "watch", SLICES, times=1)
    server.say(END, SLICES)


async def recovers(cluster: Cluster, server: FakeApi) -> None:
    """What was wrong is over: the present state is found, and nothing was said meanwhile."""
    assert len(cluster.said) == 1
    assert cluster.metric("lbproxy_watch_up") == 0
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    server.faults.clear()
    await cluster.says("10.0.0.2")
    await until(lambda: server.watched(*BOTH))


async def test_list_that_is_410_on_every_page_is_said(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    server.fail(410, "list", SLICES)
    list_again(server)
    await until(lambda: bool(errors(logs)))
    assert errors(logs) == ["each list ends with HTTP 410 (the resource version has expired)"]
    await recovers(cluster, server)
    server.bookmark()
    await until(lambda: cluster.metric("lbproxy_watch_up") == 1)


async def test_list_whose_second_page_always_expires_is_asked_for_as_one(
        cluster: Cluster, server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAGE_SIZE", 2)
    for number in range(2, 6):
        server.put(SLICES, a_slice(endpoint(f"10.0.0.{number}"), name=f"web-{number}"))

    def expire(request: Request) -> web.Response | None:
        return web.json_response(status(410), status=410) if "continue" in request.query else None
    server.faults.append(expire)
    cluster.follow()
    await cluster.says(*(f"10.0.0.{number}" for number in range(1, 6)))
    assert cluster.metric("lbproxy_watch_up") == 1


async def test_watch_that_is_410_after_every_list_is_said(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    server.fail(410, "watch", SLICES)
    server.say(END, SLICES)
    await until(lambda: bool(errors(logs)))
    await until(lambda: cluster.metric("lbproxy_watch_up") == 0)
    assert server.count("list", SLICES) >= 3
    await recovers(cluster, server)


def endless(make: str) -> web.Response:
    return web.json_response({"metadata": {"resourceVersion": "500", "continue": make}, "items": []})


async def test_continue_without_end_is_given_up(
        cluster: Cluster, server: FakeApi, logs: list[EventDict], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MAX_PAGES", 5)
    await settle(cluster, server)
    tokens = count()
    server.answer(lambda: endless(str(next(tokens))), "list", SLICES, times=1 << 30)
    list_again(server)
    await until(lambda: bool(errors(logs)))
    assert "a list does not end" in errors(logs)[0]
    await recovers(cluster, server)


async def test_continue_that_repeats_is_given_up_at_once(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    server.answer(lambda: endless("again"), "list", SLICES, times=2)
    server.fail(500, "list", SLICES)
    list_again(server)
    await until(lambda: bool(errors(logs)))
    assert "a list does not end" in errors(logs)[0]
    await recovers(cluster, server)


@pytest.mark.parametrize("limit", ["LARGEST_LIST", "LARGEST_ANSWER"])
async def test_list_that_is_too_large_is_given_up(
        cluster: Cluster, server: FakeApi, logs: list[EventDict], monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    await settle(cluster, server)
    monkeypatch.setattr(watch if limit == "LARGEST_LIST" else unpacking, limit, 1 << 20)
    body = json.dumps({"metadata": {"resourceVersion": "500"}, "items": []}).encode() + b" " * (2 << 20)
    server.answer(lambda: web.Response(body=body), "list", SLICES, times=1 << 30)
    list_again(server)
    await until(lambda: bool(errors(logs)))
    assert "MiB" in errors(logs)[0]
    await recovers(cluster, server)


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * (1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(size >> 20)), packer.flush()])


async def test_megabyte_that_unpacks_to_a_gigabyte_is_given_up(
        cluster: Cluster, server: FakeApi, logs: list[EventDict]) -> None:
    await settle(cluster, server)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    packed = bomb(GIGABYTE)
    assert len(packed) < 2 << 20
    server.answer(lambda: web.Response(body=packed, headers={"Content-Encoding": "gzip"}), "list", SLICES, times=1)
    server.fail(500, "list", SLICES)
    list_again(server)
    await until(lambda: bool(errors(logs)))
    assert errors(logs)[0] == "an answer is larger than 32 MiB"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KiB
    await recovers(cluster, server)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_packed_list_is_read(cluster: Cluster, server: FakeApi, encoding: str) -> None:
    body = json.dumps({"metadata": {"resourceVersion": "500"}, "items": [a_slice(endpoint("10.0.0.9"))]}).encode()
    packed = zlib.compress(body) if encoding == "deflate" else zlib.compress(body, wbits=31)
    server.answer(lambda: web.Response(body=packed, headers={"Content-Encoding": encoding}), "list", SLICES)
    cluster.follow()
    await cluster.says("10.0.0.9")


async def chunks(*found: bytes) -> AsyncIterator[bytes]:
    for chunk in found:
        yield chunk


async def test_packed_bytes_come_in_small_pieces() -> None:
    async for piece in unpacked(chunks(bomb(4 << 20)), "gzip"):
        assert len(piece) <= PIECE


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_what_cant_be_unpacked_is_garbled(encoding: str) -> None:
    with pytest.raises(GarbledError):
        await joined(unpacked(chunks(b"not packed"), encoding))


async def test_watch_whose_events_a_proxy_keeps_back_is_noticed(
        cluster: Cluster, server: FakeApi, logs: list[EventDict], monkeypatch: pytest.MonkeyPatch) -> None:
    await settle(cluster, server)
    monkeypatch.setattr(silence, "LONGEST_QUIET", 0.05)
    server.say(END, SLICES)

    async def dribble() -> None:
        while True:  # blanks and halves of events, as from something that has to keep a connection open
            server.say(b"\n ", SLICES)
            await asyncio.sleep(0.01)
    dribbling = asyncio.create_task(dribble())
    await until(lambda: bool(errors(logs)))
    dribbling.cancel()
    assert "turn its buffering off" in errors(logs)[0]
    assert cluster.metric("lbproxy_watch_up") == 0
    assert server.count("list", SLICES) >= 3
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")
