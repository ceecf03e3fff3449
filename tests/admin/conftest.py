from collections.abc import AsyncIterator

import aiohttp
import pytest

from lbproxy.admin.server import serve
from lbproxy.model.address import Address

from .fakes import FakeOperator, FakeStatus, admin_context, busy_status


@pytest.fixture
def status() -> FakeStatus:
    return busy_status()


@pytest.fixture
def operator() -> FakeOperator:
    return FakeOperator()


@pytest.fixture
async def address(status: FakeStatus, operator: FakeOperator) -> AsyncIterator[Address]:
    """The address of a real admin server that serves `status`."""
    async with serve([Address("127.0.0.1", 0)], admin_context(status, operator)) as (bound,):
        assert isinstance(bound, Address)
        yield bound


@pytest.fixture
async def client(address: Address) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{address}") as session:
        yield session
