from collections.abc import AsyncIterator

import aiohttp
import pytest

from lbproxy.demo.children import Children
from lbproxy.demo.traffic import make_client


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    async with Children() as started:
        yield started


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with make_client() as session:
        yield session
