import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from kubernetes_asyncio.client import Configuration
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from structlog.typing import EventDict

from lbproxy.model.snapshot import Services, ServiceSpec
from lbproxy.sources.base import WantedService
from lbproxy.sources.kubernetes.client import watch
from lbproxy.sources.kubernetes.client.api import Api, Load
from lbproxy.sources.kubernetes.metrics import WatchMetrics
from lbproxy.sources.kubernetes.reference import KubernetesPort
from lbproxy.sources.kubernetes.resolver import KubernetesResolver
from lbproxy.sources.merger import Merger
from tests.support.fake_api import FakeApi
from tests.support.objects import a_slice, endpoint, service
from tests.support.patience import PATIENCE


class Cluster:
    """What follows `server`, and everything that it says."""

    def __init__(self, server: FakeApi) -> None:
        self.server, self.registry = server, CollectorRegistry()
        self.token = ""
        self.load: Load = self._load
        self.said: list[Services] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._heard = asyncio.Event()

    async def _load(self, configuration: Configuration) -> None:
        configuration.host = self.server.url
        configuration.api_key["BearerToken"] = f"Bearer {self.token}"

    def follow(self, *targets: WantedService, coalesce: float = 0.005) -> Merger:
        async def connect() -> Api:
            return await Api.connect(self.load)

        merger = Merger([KubernetesResolver(connect, WatchMetrics(self.registry))], coalesce=coalesce)
        merger.take({wanted.spec.name: wanted for wanted in targets or (target("default/web"),)})
        self._tasks.append(asyncio.create_task(merger.run(self._hear)))
        return merger

    def _hear(self, services: Services) -> None:
        """Note what is published, except before any service is known."""
        if any(spec.is_known for spec in services.values()):
            self.said.append(services)
            self._heard.set()

    def backends(self, name: str = "web") -> list[str]:
        """The backends published last."""
        spec = self.said[-1].get(name) if self.said else None
        return [found.address.host for found in spec.endpoints] if spec else ["nothing said"]

    async def says(self, *backends: str, name: str = "web") -> None:
        """Wait until exactly these backends are published."""
        async with asyncio.timeout(PATIENCE):
            while self.backends(name) != list(backends):
                self._heard.clear()
                await self._heard.wait()

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"service": "default/web", "resource": "endpointslices", **labels})

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def target(service: str, port: str | int | None = None, *, as_name: str = "") -> WantedService:
    namespace, _, name = service.partition("/")
    return WantedService(ServiceSpec(as_name or name, (), ()), (KubernetesPort(namespace, name, port),))


@pytest.fixture
async def server() -> AsyncIterator[FakeApi]:
    """It has the Service default/web with one endpoint, 10.0.0.1."""
    server = FakeApi()
    server.put("services", service())
    server.put("endpointslices", a_slice(endpoint("10.0.0.1")))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def cluster(server: FakeApi, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    monkeypatch.setattr(watch, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(watch, "LONGEST_WAIT", 0.01)
    cluster = Cluster(server)
    yield cluster
    await cluster.close()


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as logs:
        yield logs
