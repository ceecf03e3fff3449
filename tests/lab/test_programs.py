"""The clients and pods that are ours: what they count."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench.paper.asker import Counts, Kept, ask_once
from bench.paper.slow_pod import SlowPod

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HOST = "127.0.0.1"


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answering(times: int) -> Serve:
    """Answer so many requests of a connection, then close it."""
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()
    return serve


async def test_a_kept_connection_that_ended_between_requests_is_a_retry_and_no_failure() -> None:
    counts = Counts()
    async with serving(answering(1)) as port:
        kept = Kept(HOST, port, counts)
        for _ in range(3):
            await kept.ask()
        kept.close()
    assert (counts.requests, counts.retried, counts.failed) == (3, 2, 0)


async def test_a_kept_connection_that_can_t_be_opened_is_a_failure_each_time() -> None:
    counts = Counts()
    async with serving(answering(0)) as port:
        kept = Kept(HOST, port, counts)
        for _ in range(2):
            await kept.ask()
    assert (counts.requests, counts.retried, counts.failed) == (2, 0, 2)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
                                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"])
async def test_an_answer_that_is_missing_wrong_or_cut_short_is_a_failure(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    counts = Counts()
    async with serving(serve) as port:
        await ask_once(HOST, port, counts)
    assert (counts.requests, counts.failed, sum(counts.reasons.values())) == (1, 1, 1)


async def test_a_refused_connection_is_a_failure() -> None:
    counts = Counts()
    async with serving(answering(1)) as port:
        pass
    await ask_once(HOST, port, counts)
    assert (counts.requests, counts.failed, sum(counts.reasons.values())) == (1, 1, 1)


async def test_a_slow_pod_knows_how_many_connections_it_had_on_average() -> None:
    pod = SlowPod(factor=0.0)
    async with serving(pod.serve) as port:
        await state(port)  # begins the account
        idle = [await asyncio.open_connection(HOST, port) for _ in range(3)]
        before = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - before < 0.05:
            await ask(port)
        said = await state(port)
        for _, writer in idle:
            writer.close()
    assert 2 < said["connections"] <= 5  # three, but not yet while they were opened
    assert said["answered"] > 0


async def test_a_slow_pod_works_on_a_few_requests_at_a_time() -> None:
    pod = SlowPod(factor=1.0)
    async with serving(pod.serve) as port:
        await asyncio.gather(*(ask(port) for _ in range(12)))
    assert pod.answered == 12
    assert pod.connections == 0


async def ask(port: int, path: str = "/") -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


async def state(port: int) -> dict[str, float]:
    said: dict[str, float] = json.loads((await ask(port, "/state")).partition(b"\r\n\r\n")[2])
    return said
