from collections.abc import AsyncIterator

import aiohttp
import pytest

from lbproxy.admin.server import serve
from lbproxy.model.address import Address

from .fakes import FakeOperator, FakeStatus, admin_context, busy


@pytest.fixture
def status() -> FakeStatus:
    return busy()


@pytest.fixture
def operator() -> FakeOperator:
    return FakeOperator()


@pytest.fixture
async def address(status: FakeStatus, operator: FakeOperator) -> AsyncIterator[Address]:
    """Where a real admin server answers about `status`."""
    async with serve([Address("127.0.0.1", 0)], admin_context(status, operator)) as (bound,):
        assert isinstance(bound, Address)
        yield bound


@pytest.fixture
async def client(address: Address) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{address}") as session:
        yield session
