"""Every async test here runs once in uvloop's loop, as workers do, and once in asyncio's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from .harness import Harness, opened


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    """An engine that listens, without a backend yet. When the test is over nothing may be left in it."""
    async with opened() as harness:
        yield harness
