import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from lbproxy.model.address import Address
from tests.support.peers import free_address

from .balancer import Balancer
from .crew import Crew
from .grounds import Ground, Loopback, apart
from .kinds import KINDS, Kind
from .stage import Stage


@pytest.fixture(scope="module", params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    found = request.param
    assert isinstance(found, Kind)
    return found


@pytest.fixture(scope="module")
def ground(kind: Kind) -> Iterator[Ground]:
    with kind.ground() as ground:
        yield ground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(kind: Kind, ground: Ground) -> AsyncIterator[Stage]:
    stage = Stage(kind, ground)
    yield stage
    await stage.dataplane.close()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared: Stage) -> AsyncIterator[Stage]:
    """The dataplane of this module, without any service."""
    await shared.apply()
    yield shared
    await shared.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(kind: Kind, ground: Ground) -> AsyncIterator[Stage]:
    """A dataplane of the test's own, to be ended."""
    stage = Stage(kind, ground)
    yield stage
    await stage.end()


@pytest.fixture(scope="module")
def apart_ground() -> Iterator[Ground]:
    with apart() as ground:
        yield ground


@pytest.fixture
async def balancer(apart_ground: Ground) -> AsyncIterator[Balancer]:
    """An IPVS dataplane on a real kernel, between clients and backends; it cleans up."""
    balancer = Balancer(apart_ground)
    yield balancer
    await balancer.end()


@pytest.fixture
def listen(request: pytest.FixtureRequest) -> Address:
    return _free_listen(request)


@pytest.fixture
def other_listen(request: pytest.FixtureRequest) -> Address:
    return _free_listen(request)


def _free_listen(request: pytest.FixtureRequest) -> Address:
    """Where this test's balancer may listen; a test that is not of all kinds has everything on one host."""
    ground = request.getfixturevalue("ground") if "kind" in request.fixturenames else Loopback()
    return free_address(ground.listen_host(socket.AF_INET))


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
