"""Completes services whose endpoints are those of Kubernetes Services: a source that never lies.

It takes the services as somebody lists them, and publishes them with their endpoints: at once, and whenever those
changed, never because of an error. A service whose endpoints were never learned is published as not known.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

import structlog

from lbproxy.model.errors import ConfigError
from lbproxy.model.snapshot import Services, ServiceSpec
from lbproxy.sources.base import Publish
from lbproxy.sources.kubernetes.client.connection import ApiConnection
from lbproxy.sources.kubernetes.metrics import WatchMetrics
from lbproxy.sources.kubernetes.service_endpoints import ServiceEndpoints
from lbproxy.sources.kubernetes.service_port_watch import ServicePortWatch
from lbproxy.sources.kubernetes.watches import Watches

COALESCE = 0.05
"""Seconds from a change to its publication: an endpoint that moves to another slice is two changes."""
RECONNECT_INTERVAL = 5.0
"""Seconds between two attempts to read credentials that a reload asks for the first time."""

log = structlog.get_logger()


class ResolvedService(NamedTuple):
    """A service as configured, what was read for it, and what both make."""

    spec: ServiceSpec
    reading: ServiceEndpoints
    whole: ServiceSpec


class KubernetesSource:
    """Follows the Services of all services that `take` was given last."""

    def __init__(self, connect: Callable[[], Awaitable[ApiConnection]], metrics: WatchMetrics, *,
                 zone: str = "", coalesce: float = COALESCE) -> None:
        self._connect, self._metrics, self._zone, self._coalesce = connect, metrics, zone, coalesce
        self._api: ApiConnection | None = None
        self._specs: Services | None = None
        self._ports: dict[str, ServicePortWatch] = {}
        self._published: dict[str, ServiceSpec] | None = None
        self._completions: dict[str, ResolvedService] = {}
        self.is_synced = False
        """The API has said of every Service whether it exists; stays so, whatever is followed later."""
        self._changed, self._retargeted = asyncio.Event(), asyncio.Event()

    async def connect(self) -> None:
        """Read the credentials; connect to nothing yet. Raises `ConfigError`."""
        self._api = await self._connect()

    def take(self, services: Services) -> None:
        """Follow these from now on: the complete set. Those that follow nothing pass through as they are."""
        known = self._ports
        self._specs, self._completions = services, {}
        self._ports = {
            name: known[name] if name in known and known[name].wanted == spec.follows
            else ServicePortWatch(spec.follows, self._zone)
            for name, spec in services.items() if spec.follows is not None}
        self._changed.set()
        self._retargeted.set()

    def waits_for(self) -> list[str]:
        """Services of Kubernetes of which the API has said nothing yet; sorted, and only before the first sync."""
        waiting = {str(port.service) for port in self._ports.values() if not port.is_answered}
        return [] if self.is_synced else sorted(waiting)

    async def run(self, publish: Publish) -> None:
        """Follow and publish until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow(group), name="what to watch")
                await self._publish_changes(publish)
        finally:
            if self._api is not None:
                await self._api.close()

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        watches: Watches | None = None
        while True:
            await self._retargeted.wait()
            self._retargeted.clear()
            if self._ports and watches is None:
                watches = Watches(group, await self._connected(), self._metrics, self._changed.set)
            if watches is not None:
                watches.follow(self._ports.values())
                self._changed.set()

    async def _connected(self) -> ApiConnection:
        """Connect, however often it takes: a reload must not end what runs."""
        while self._api is None:
            try:
                await self.connect()
            except ConfigError as error:
                log.error("Kubernetes can't be followed, trying again", error=str(error))
                await asyncio.sleep(RECONNECT_INTERVAL)
        return self._api

    async def _publish_changes(self, publish: Publish) -> None:
        while True:
            await self._changed.wait()
            if self._published is not None and self._ports:
                await asyncio.sleep(self._coalesce)
            self._changed.clear()
            services = self._services()
            self.is_synced |= all(port.is_answered for port in self._ports.values())
            if services != self._published:
                publish(services)
            self._published = services

    def _services(self) -> dict[str, ServiceSpec]:
        return {name: self._completed(spec) for name, spec in (self._specs or {}).items()}

    def _completed(self, spec: ServiceSpec) -> ServiceSpec:
        """Give it the endpoints that are known; until then those that it had, whoever named them."""
        port, before = self._ports.get(spec.name), (self._published or {}).get(spec.name)
        if port is None:
            return spec
        if port.is_known:
            return self._read(spec, port.read())
        if before is not None and before.is_known:
            return replace(spec, endpoints=before.endpoints, is_known=True)
        return replace(spec, is_known=False)

    def _read(self, spec: ServiceSpec, reading: ServiceEndpoints) -> ServiceSpec:
        """Give the same object for as long as neither changed: of a thousand services one has."""
        known = self._completions.get(spec.name)
        if known is None or known.spec is not spec or known.reading is not reading:
            whole = replace(spec, endpoints=reading.endpoints, is_known=True, changed_at=reading.changed_at)
            known = self._completions[spec.name] = ResolvedService(spec, reading, whole)
        return known.whole
