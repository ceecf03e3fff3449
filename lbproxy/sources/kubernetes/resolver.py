"""Resolves ports of Kubernetes Services into the endpoints of their EndpointSlices, as they come and go."""

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import structlog

from lbproxy.model.errors import ConfigError
from lbproxy.sources.base import Reference, Resolution
from lbproxy.sources.kubernetes.client.api_connection import ApiConnection
from lbproxy.sources.kubernetes.metrics import WatchMetrics
from lbproxy.sources.kubernetes.reference import KubernetesPort
from lbproxy.sources.kubernetes.service_endpoints import ServiceEndpoints
from lbproxy.sources.kubernetes.service_port_watch import ServicePortWatch
from lbproxy.sources.kubernetes.watches import Watches
from lbproxy.tasks import Restarter
from lbproxy.text.quoting import listed

RECONNECT_INTERVAL = 5.0
"""Seconds between two attempts to read credentials that a reload asks for the first time."""
NAMED_AT_MOST = 5
"""Services in one line."""

log = structlog.get_logger()


class _Known(NamedTuple):
    endpoints: ServiceEndpoints | None
    trouble: str
    resolution: Resolution


class KubernetesResolver:
    """See `Resolver`. `connect` gives the connection, or raises `ConfigError`; the resolver closes it."""

    def __init__(self, connect: Callable[[], Awaitable[ApiConnection]], metrics: WatchMetrics, *,
                 zone: str = "", restarter: Restarter | None = None) -> None:
        self._restarter = restarter or Restarter()
        self._connect, self._metrics, self._zone = connect, metrics, zone
        self._api: ApiConnection | None = None
        self._ports: dict[Reference, ServicePortWatch] = {}
        self._known: dict[Reference, _Known] = {}
        self._retargeted = asyncio.Event()

    async def connect(self) -> None:
        """Read the credentials; connect to nothing yet. Raises `ConfigError`."""
        self._api = await self._connect()

    def want(self, references: AbstractSet[Reference]) -> None:
        """See `Resolver`."""
        # A port that stays keeps its watch, and with it what it knows: a reload makes nothing unknown.
        known = self._ports
        self._ports = {reference: known.get(reference) or ServicePortWatch(reference, self._zone)
                       for reference in references if isinstance(reference, KubernetesPort)}
        self._known = {reference: one for reference, one in self._known.items() if reference in self._ports}
        self._retargeted.set()

    def resolve(self, reference: Reference) -> Resolution | None:
        """See `Resolver`."""
        port = self._ports.get(reference)
        if port is None:
            return None
        # Read here and not when the watch hears something: many events between two publications are one merge.
        endpoints = port.read() if port.is_known else None
        known = self._known.get(reference)
        if known is None or known.endpoints is not endpoints or known.trouble != port.trouble:
            known = self._known[reference] = _Known(endpoints, port.trouble, _resolution(endpoints, port.trouble))
        return known.resolution

    def waits_for(self) -> str:
        """See `Resolver`."""
        waiting = sorted({str(port.service) for port in self._ports.values() if not port.is_answered})
        return f"the Kubernetes API has not answered yet for {listed(waiting[:NAMED_AT_MOST])}" if waiting else ""

    async def run(self, on_change: Callable[[], None]) -> None:
        """See `Resolver`."""
        self._retargeted.set()  # it may be called again after it has failed
        try:
            async with asyncio.TaskGroup() as group:
                await self._follow(group, on_change)
        finally:
            if self._api is not None:
                api, self._api = self._api, None
                await api.close()

    async def _follow(self, group: asyncio.TaskGroup, on_change: Callable[[], None]) -> None:
        watches: Watches | None = None
        while True:
            await self._retargeted.wait()
            self._retargeted.clear()
            if self._ports and watches is None:
                watches = Watches(group, await self._connected(), self._metrics, on_change, self._restarter)
            if watches is not None:
                watches.follow(self._ports.values())
                # What is known already may answer a new reference at once, without any event.
                on_change()

    async def _connected(self) -> ApiConnection:
        """Connect, however often it takes: a reload must not end what runs."""
        while self._api is None:
            try:
                await self.connect()
            except ConfigError as error:
                log.error("Kubernetes can't be followed, trying again", error=str(error))
                await asyncio.sleep(RECONNECT_INTERVAL)
        return self._api


def _resolution(endpoints: ServiceEndpoints | None, trouble: str) -> Resolution:
    if endpoints is None:
        return Resolution(is_known=False, trouble=trouble)
    return Resolution(endpoints.endpoints, trouble=trouble, changed_at=endpoints.changed_at)
