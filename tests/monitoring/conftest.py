from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from lbproxy.model.address import Address
from tests.support.cluster import Cluster
from tests.support.peers import free_address
from tests.support.scene import Scene

from .prometheus import Prometheus

Scraped = Callable[..., Awaitable[Prometheus]]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    await scene.end()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path)
    await cluster.start()
    yield cluster
    await cluster.end()


@pytest.fixture
async def scraped(tmp_path: Path) -> AsyncIterator[Scraped]:
    """Starts a Prometheus that scrapes these addresses."""
    started: list[Prometheus] = []

    async def start(*targets: Address) -> Prometheus:
        folder = tmp_path / "prometheus"
        folder.mkdir()
        started.append(await Prometheus.start(folder, *targets))
        return started[-1]
    yield start
    for prometheus in started:
        await prometheus.end()


@pytest.fixture
def listen() -> Address:
    return free_address()


@pytest.fixture
def other_listen() -> Address:
    return free_address()
