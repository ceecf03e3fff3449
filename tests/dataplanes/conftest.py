import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from lbproxy.model.address import Address
from tests.support.peers import free_address

from .balancer import Balancer
from .harness import Harness
from .kinds import KINDS, Kind
from .topologies import Loopback, Topology, in_namespaces
from .workers import WorkerHarness


@pytest.fixture(scope="module", params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    found = request.param
    assert isinstance(found, Kind)
    return found


@pytest.fixture(scope="module")
def topology(kind: Kind) -> Iterator[Topology]:
    with kind.topology() as topology:
        yield topology


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(kind: Kind, topology: Topology) -> AsyncIterator[Harness]:
    harness = Harness(kind, topology)
    yield harness
    await harness.dataplane.close()


@pytest_asyncio.fixture(loop_scope="module")
async def harness(shared: Harness) -> AsyncIterator[Harness]:
    """The dataplane of this module, without any service."""
    await shared.apply()
    yield shared
    await shared.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(kind: Kind, topology: Topology) -> AsyncIterator[Harness]:
    """A dataplane of the test's own, to be ended."""
    harness = Harness(kind, topology)
    yield harness
    await harness.end()


@pytest.fixture(scope="module")
def namespaces() -> Iterator[Topology]:
    with in_namespaces() as topology:
        yield topology


@pytest.fixture
async def balancer(namespaces: Topology) -> AsyncIterator[Balancer]:
    """An IPVS dataplane on a real kernel, between clients and backends; it cleans up."""
    balancer = Balancer(namespaces)
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
    topology = request.getfixturevalue("topology") if "kind" in request.fixturenames else Loopback()
    return free_address(topology.listen_host(socket.AF_INET))


@pytest.fixture
async def workers() -> AsyncIterator[WorkerHarness]:
    workers = WorkerHarness()
    yield workers
    await workers.end()


@pytest.fixture
async def two_workers() -> AsyncIterator[WorkerHarness]:
    workers = WorkerHarness(workers=2)
    yield workers
    await workers.end()
