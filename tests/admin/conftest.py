from collections.abc import AsyncIterator

import aiohttp
import pytest

from lbproxy.admin.server import serve
from lbproxy.model.address import Address

from .fakes import FakeDesk, FakeView, busy, office


@pytest.fixture
def view() -> FakeView:
    return busy()


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def address(view: FakeView, desk: FakeDesk) -> AsyncIterator[Address]:
    """Where a real admin server answers about `view`."""
    async with serve([Address("127.0.0.1", 0)], office(view, desk)) as (bound,):
        assert isinstance(bound, Address)
        yield bound


@pytest.fixture
async def client(address: Address) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{address}") as session:
        yield session
