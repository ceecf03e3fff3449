from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lbproxy.model import Address

from .crew import Crew
from .kinds import KINDS, Kind
from .peers import free_address
from .stage import Stage


@pytest.fixture(scope="module", params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    found = request.param
    assert isinstance(found, Kind)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(kind: Kind) -> AsyncIterator[Stage]:
    stage = Stage(kind)
    yield stage
    await stage.dataplane.close()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared: Stage) -> AsyncIterator[Stage]:
    """The dataplane of this module, without any service."""
    await shared.apply()
    yield shared
    await shared.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(kind: Kind) -> AsyncIterator[Stage]:
    """A dataplane of the test's own, to be ended."""
    stage = Stage(kind)
    yield stage
    await stage.end()


@pytest.fixture
def listen() -> Address:
    return free_address()


@pytest.fixture
def other_listen() -> Address:
    return free_address()


@pytest.fixture
async def crew() -> AsyncIterator[Crew]:
    crew = Crew()
    yield crew
    await crew.end()


@pytest.fixture
async def pair() -> AsyncIterator[Crew]:
    crew = Crew(workers=2)
    yield crew
    await crew.end()
