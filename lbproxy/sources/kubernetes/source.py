"""Services whose backends are the endpoints of Kubernetes Services: a source that never lies.

It publishes the complete set once every Service was seen, then whenever it changed; never because of an error.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from lbproxy.metrics import WatchMetrics
from lbproxy.model import ServiceSpec
from lbproxy.sources.base import Publish
from lbproxy.sources.kubernetes.api import Api
from lbproxy.sources.kubernetes.collection import Collection, ServiceName, object_of, slices_of
from lbproxy.sources.kubernetes.condition import Condition
from lbproxy.sources.kubernetes.followed import FollowedPort
from lbproxy.sources.kubernetes.watch import Objects, Watch

COALESCE = 0.05
"""Seconds from a change to its publication: an endpoint that moves to another slice is two changes."""


@dataclass(frozen=True, slots=True)
class Target:
    """A service of ours, and whose endpoints it has."""

    spec: ServiceSpec
    """All but the endpoints."""
    service: ServiceName
    port: str | int | None = None
    """The Service's port by name or number; None: the only one."""


class KubernetesSource:
    """Follows the Services of all targets; one watch for each Service and one for its slices."""

    def __init__(self, api: Api, targets: Iterable[Target], metrics: WatchMetrics, *,
                 zone: str = "", coalesce: float = COALESCE) -> None:
        self._api, self._metrics, self._coalesce = api, metrics, coalesce
        self._targets = tuple(targets)
        self._ports = {target.spec.name: FollowedPort(target.service, target.port, zone) for target in self._targets}
        self._changed = asyncio.Event()

    async def run(self, publish: Publish) -> None:
        """Follow and publish until cancelled."""
        async with asyncio.TaskGroup() as group:
            for service in sorted({target.service for target in self._targets}):
                for collection, see in self._views(service).items():
                    group.create_task(self._follow(collection, see), name=f"watch {collection.resource} {service}")
            await self._publish_changes(publish)

    def _views(self, service: ServiceName) -> Mapping[Collection, Callable[[Objects], None]]:
        """Who is to be shown what about a Service."""
        ports = [self._ports[target.spec.name] for target in self._targets if target.service == service]

        def see_service(found: Objects) -> None:
            for port in ports:
                port.see_service(found)

        def see_slices(found: Objects) -> None:
            for port in ports:
                port.see_slices(found)

        return {object_of(service): see_service, slices_of(service): see_slices}

    async def _follow(self, collection: Collection, see: Callable[[Objects], None]) -> None:
        watch = Watch(self._api, collection, Condition(collection, self._metrics))
        async with aclosing(watch.states()) as states:
            async for found in states:
                see(found)
                self._changed.set()

    async def _publish_changes(self, publish: Publish) -> None:
        published: dict[str, ServiceSpec] | None = None
        while True:
            await self._changed.wait()
            if published is not None:
                await asyncio.sleep(self._coalesce)
            self._changed.clear()
            if all(port.is_known for port in self._ports.values()):
                services = self._services()
                if services != published:
                    publish(services)
                published = services

    def _services(self) -> dict[str, ServiceSpec]:
        return {target.spec.name: replace(target.spec, endpoints=self._ports[target.spec.name].endpoints())
                for target in self._targets}
