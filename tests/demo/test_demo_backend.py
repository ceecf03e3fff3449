import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from lbproxy.demo.children import Children
from lbproxy.demo.processes import BackendProcess
from lbproxy.model.address import Address
from tests.support.patience import PATIENCE


@pytest.fixture
async def backend(children: Children, client: aiohttp.ClientSession) -> AsyncIterator[BackendProcess]:
    backend = BackendProcess("alpha", children, client)
    await backend.start()
    yield backend
    backend.close()


async def until_refused(address: Address) -> None:
    """Connect until nobody listens any more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection(*address)
            except ConnectionRefusedError:
                return
            except ConnectionResetError:  # it stopped listening just while we connected
                continue
            writer.close()


async def test_answers_with_its_name(backend: BackendProcess, client: aiohttp.ClientSession) -> None:
    async with client.get(f"http://{backend.address}/") as answer:
        assert answer.headers["X-Backend"] == "alpha"
        assert (await answer.text()).startswith("alpha answers its request number ")


async def test_request_under_way_is_finished_after_it_is_told_to_stop(backend: BackendProcess) -> None:
    child = backend.child
    reader, writer = await asyncio.open_connection(*backend.address)
    writer.write(b"GET / HT")
    stopping = asyncio.create_task(backend.stop())
    await until_refused(backend.address)
    writer.write(b"TP/1.1\r\nHost: here\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b".\n")
    await stopping
    writer.close()
    assert child
    assert (child.exit_code, child.output()) == (0, "")


async def test_no_connection_is_reset_when_it_stops(backend: BackendProcess) -> None:
    clients = [await asyncio.open_connection(*backend.address) for _ in range(50)]  # more than it has accepted yet
    stopping = asyncio.create_task(backend.stop())
    for _, writer in clients:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
    answers = [await reader.read() for reader, _ in clients]
    await stopping
    assert all(answer.startswith(b"HTTP/1.1 200 OK\r\n") for answer in answers)
    for _, writer in clients:
        writer.close()


async def test_comes_back_at_the_same_address(backend: BackendProcess, client: aiohttp.ClientSession) -> None:
    address = backend.address
    await backend.stop()
    await until_refused(address)
    await backend.start()
    assert backend.address == address
    async with client.get(f"http://{address}/") as answer:
        assert answer.status == 200


async def test_its_unexpected_end_is_reported_once(backend: BackendProcess) -> None:
    assert await backend.crashed() is None
    assert backend.child
    child = backend.child
    child.kill()
    await child.ended()
    assert (await backend.crashed(), await backend.crashed()) == (-9, None)
