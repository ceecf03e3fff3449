"""The watches that the followed Services need: started, shared and ended as these change.

Each watch fills a cache, sorted by Service, so that a port which is followed later is shown what is known already.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from lbproxy.sources.kubernetes.client.answers import Listing, WatchEvent
from lbproxy.sources.kubernetes.client.api_connection import ApiConnection
from lbproxy.sources.kubernetes.client.collection import (
    SERVICE_LABEL,
    Collection,
    ServiceName,
    services_of,
    slices_of,
)
from lbproxy.sources.kubernetes.client.watch import Watch
from lbproxy.sources.kubernetes.fields import Fields, SkipError, mapping, text
from lbproxy.sources.kubernetes.metrics import WatchMetrics, WatchStatus
from lbproxy.sources.kubernetes.service_port_watch import Objects, ServicePortWatch
from lbproxy.tasks import Restarter

SEPARATE_AT_MOST = 4
"""Services of one namespace that are watched one by one; more of them share the watches of the whole namespace.

Separate watches bring us no objects of other Services; shared ones cost the API server fewer connections.
"""

Share = tuple[Collection, frozenset[ServiceName]]
"""What one watch sees, and the Services that need it."""


class WatchCache(Protocol):
    """What one watch has said so far, about the Services that it is for."""

    def take(self, change: Listing | WatchEvent) -> Iterable[str]:
        """Take what the watch says, and return the names of the Services that it changes."""

    def show(self, port: ServicePortWatch) -> None:
        """Show a port what is known of its Service, which must be one of ours; nothing before the first list."""


class Watches:
    """Shows each port what is found of its Service, and calls `on_change` after each time."""

    def __init__(self, group: asyncio.TaskGroup, api: ApiConnection, metrics: WatchMetrics,
                 on_change: Callable[[], None], restarter: Restarter | None = None) -> None:
        self._restarter = restarter or Restarter()
        self._group, self._api, self._metrics, self._on_change = group, api, metrics, on_change
        self._ports: Mapping[ServiceName, list[ServicePortWatch]] = {}
        self._running: dict[Share, tuple[WatchCache, asyncio.Task[None]]] = {}

    def follow(self, ports: Iterable[ServicePortWatch]) -> None:
        """Watch what these ports need, and nothing else from now on. What is known already is shown to them at once."""
        self._ports = _by_service(ports)
        wanted = collections_of(self._ports).items()
        # A copy (set difference), as the loop changes `_running`.
        for share in self._running.keys() - wanted:
            self._running.pop(share)[1].cancel()  # ports keep what it has shown them, until a successor has listed
        for share in wanted - self._running.keys():
            self._start(share, _cache(*share), "start")
        for (_, services), (cache, _) in self._running.items():
            self._show(cache, services)

    def _start(self, share: Share, cache: WatchCache, reason: str) -> None:
        watching = self._restarter.run("watch", partial(self._watch, share[0], cache, reason))
        self._running[share] = cache, self._group.create_task(watching, name=_name(share[0]))

    def _list_others_again(self, collection: Collection) -> None:
        """List whatever else is watched: this collection shows that the API server went back to an older state.

        A watch from a version that lies in the server's future says nothing that would show it.
        """
        # The cache is kept, and with it what ports are shown until the new list has come.
        for share, (cache, task) in tuple(self._running.items()):
            if share[0] != collection:
                task.cancel()
                self._start(share, cache, "restored")

    async def _watch(self, collection: Collection, cache: WatchCache, reason: str) -> None:
        status = WatchStatus(collection.subject, collection.resource, self._metrics)
        watch = Watch(self._api, collection, status, lambda: self._list_others_again(collection))
        try:
            async with aclosing(watch.changes(reason)) as changes:
                async for change in changes:
                    self._show(cache, (ServiceName(collection.namespace, name) for name in cache.take(change)))
                    self._on_change()
        finally:
            if not any(collection == other for other, _ in self._running):  # a successor goes on with our series
                self._metrics.forget(collection.subject, collection.resource)

    def _show(self, cache: WatchCache, services: Iterable[ServiceName]) -> None:
        for service in services:
            for port in self._ports.get(service, ()):
                cache.show(port)


def collections_of(services: Iterable[ServiceName]) -> dict[Collection, frozenset[ServiceName]]:
    """Return what must be watched for these Services, and which of them each watch is for."""
    found: dict[Collection, frozenset[ServiceName]] = {}
    for namespace, group in groupby(sorted(set(services)), attrgetter("namespace")):
        names = frozenset(group)
        # The names are part of the key in `_running`: a further Service starts the shared watch anew.
        shares = [("", names)] if len(names) > SEPARATE_AT_MOST else [(one.name, frozenset({one})) for one in names]
        for service, share in shares:
            found[services_of(namespace, service)] = found[slices_of(namespace, service)] = share
    return found


def _by_service(ports: Iterable[ServicePortWatch]) -> Mapping[ServiceName, list[ServicePortWatch]]:
    found: dict[ServiceName, list[ServicePortWatch]] = {}
    for port in ports:
        found.setdefault(port.service, []).append(port)
    return found


def _name(collection: Collection) -> str:
    return f"watch {collection.resource} {collection.subject}"


def _cache(collection: Collection, services: Iterable[ServiceName]) -> WatchCache:
    names = [service.name for service in services]
    # Services are in the core API, whose group is empty.
    return SliceCache(names) if collection.group else ServiceCache(names)


class ServiceCache:
    """The Services of these names, out of all that a watch sees. See `WatchCache`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._found: dict[str, Fields] | None = None

    def take(self, change: Listing | WatchEvent) -> Iterable[str]:
        """See `WatchCache`."""
        if isinstance(change, Listing):
            self._found = {name: content for name, content in change.items.items() if name in self._names}
            return self._names
        # An event about another Service goes into a dict that nobody keeps.
        found = self._found if self._found is not None and change.name in self._names else {}
        if change.kind == "DELETED":
            found.pop(change.name, None)
        else:
            found[change.name] = change.content
        return self._names & {change.name}

    def show(self, port: ServicePortWatch) -> None:
        """See `WatchCache`."""
        if self._found is not None:
            port.see_service(self._found.get(port.service.name))


class SliceCache:
    """The EndpointSlices of the Services of these names, out of all that a watch sees. See `WatchCache`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._slices: dict[str, dict[str, Fields]] = {name: {} for name in names}
        self._owners: dict[str, str] = {}
        """The Service of each slice, by the slice's name: an event may change the label that says so."""
        self._is_listed = False

    def take(self, change: Listing | WatchEvent) -> Iterable[str]:
        """See `WatchCache`. A slice whose label changed changes two Services."""
        return self._list(change.items) if isinstance(change, Listing) else self._change(change)

    def show(self, port: ServicePortWatch) -> None:
        """See `WatchCache`."""
        if self._is_listed:
            port.see_slices(self._slices[port.service.name])

    def _list(self, found: Objects) -> Iterable[str]:
        # Read before the owners are cleared: equal slices stay the same objects.
        before = {name: self._slices[owner][name] for name, owner in self._owners.items()}
        self._is_listed = True
        self._owners = {}
        self._slices = {service: {} for service in self._slices}
        for name, content in found.items():
            self._put(name, _same_or_new(before.get(name), content))
        return self._slices

    def _change(self, event: WatchEvent) -> Iterable[str]:
        before = self._owners.pop(event.name, None)
        if before is not None:
            del self._slices[before][event.name]
        after = None if event.kind == "DELETED" else self._put(event.name, event.content)
        return {owner for owner in (before, after) if owner is not None}

    def _put(self, name: str, content: Fields) -> str | None:
        owner = _owner(content)
        # A watch of a whole namespace also brings slices of Services that nobody follows.
        if owner not in self._slices:
            return None
        self._owners[name] = owner
        self._slices[owner][name] = content
        return owner


def _same_or_new(known: Fields | None, found: Fields) -> Fields:
    """Return the known object if it is equal: then nobody reads it again, as after most lists of ten thousand."""
    try:
        return known if known is not None and known == found else found
    except RecursionError:  # nested as deep as JSON can be read: no real slice
        return found


def _owner(content: Fields) -> str | None:
    try:
        labels = mapping(mapping(content.get("metadata"), "metadata").get("labels"), "labels")
        return text(labels.get(SERVICE_LABEL), SERVICE_LABEL)
    except SkipError:
        return None
