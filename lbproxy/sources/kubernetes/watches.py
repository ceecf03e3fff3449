"""The watches that somebody needs, each a task of its own: begun, kept and ended as what is followed changes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing

from lbproxy.sources.kubernetes.collection import Collection, ServiceName, collections_of
from lbproxy.sources.kubernetes.condition import Condition
from lbproxy.sources.kubernetes.connection import ApiConnection
from lbproxy.sources.kubernetes.followed import ServicePortWatch
from lbproxy.sources.kubernetes.metrics import WatchMetrics
from lbproxy.sources.kubernetes.shelf import ServiceCache, SliceCache, WatchCache
from lbproxy.sources.kubernetes.watch import Watch

Share = tuple[Collection, frozenset[ServiceName]]
"""What one watch sees, and the Services for whose sake."""


class Watches:
    """Shows each port what is found of its Service; `on_change` is told after each time."""

    def __init__(self, group: asyncio.TaskGroup, api: ApiConnection, metrics: WatchMetrics,
                 on_change: Callable[[], None]) -> None:
        self._group, self._api, self._metrics, self._on_change = group, api, metrics, on_change
        self._ports: Mapping[ServiceName, list[ServicePortWatch]] = {}
        self._running: dict[Share, tuple[WatchCache, asyncio.Task[None]]] = {}

    def follow(self, ports: Iterable[ServicePortWatch]) -> None:
        """Watch what these need, and nothing else from now on. What is known already they are shown at once."""
        self._ports = _by_service(ports)
        wanted = collections_of(self._ports).items()
        for share in self._running.keys() - wanted:
            self._running.pop(share)[1].cancel()
        for share in wanted - self._running.keys():
            shelf = _shelf(*share)
            self._running[share] = shelf, self._group.create_task(self._watch(share[0], shelf), name=_name(share[0]))
        for (_, services), (shelf, _) in self._running.items():
            self._show(shelf, services)

    async def _watch(self, collection: Collection, shelf: WatchCache) -> None:
        condition = Condition(collection, self._metrics)
        try:
            async with aclosing(Watch(self._api, collection, condition).changes()) as changes:
                async for change in changes:
                    self._show(shelf, (ServiceName(collection.namespace, name) for name in shelf.take(change)))
                    self._on_change()
        finally:
            if not any(collection == other for other, _ in self._running):  # a successor goes on with our series
                self._metrics.forget(collection.subject, collection.resource)

    def _show(self, shelf: WatchCache, services: Iterable[ServiceName]) -> None:
        for service in services:
            for port in self._ports.get(service, ()):
                shelf.show(port)


def _by_service(ports: Iterable[ServicePortWatch]) -> Mapping[ServiceName, list[ServicePortWatch]]:
    found: dict[ServiceName, list[ServicePortWatch]] = {}
    for port in ports:
        found.setdefault(port.service, []).append(port)
    return found


def _shelf(collection: Collection, services: Iterable[ServiceName]) -> WatchCache:
    names = [service.name for service in services]
    return SliceCache(names) if collection.group else ServiceCache(names)


def _name(collection: Collection) -> str:
    return f"watch {collection.resource} {collection.subject}"
