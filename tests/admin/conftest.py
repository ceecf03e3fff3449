from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from lbproxy.admin.collector import TableCollector
from lbproxy.admin.server import serve
from lbproxy.model import Address

from .fakes import FakeView, busy


@pytest.fixture
def view() -> FakeView:
    return busy()


@pytest.fixture
async def address(view: FakeView) -> AsyncIterator[Address]:
    """Where a real admin server answers about `view`."""
    registry = CollectorRegistry()
    registry.register(TableCollector(view))
    async with serve(Address("127.0.0.1", 0), view, registry) as bound:
        yield bound


@pytest.fixture
async def client(address: Address) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{address}") as session:
        yield session
