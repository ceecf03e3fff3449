"""What one watch has told so far, sorted by Service: so that who asks later is told too."""

from collections.abc import Iterable
from typing import Protocol

from lbproxy.sources.kubernetes.answers import Listing, WatchEvent
from lbproxy.sources.kubernetes.collection import SERVICE_LABEL
from lbproxy.sources.kubernetes.fields import Fields, SkipError, mapping, text
from lbproxy.sources.kubernetes.followed import Objects, ServicePortWatch


class WatchCache(Protocol):
    """Of one watch."""

    def take(self, change: Listing | WatchEvent) -> Iterable[str]:
        """Take what the watch says, and give the Services that it is about."""

    def show(self, port: ServicePortWatch) -> None:
        """Tell it what is known of its Service, which is one of ours; nothing before the first list."""


class ServiceCache:
    """The Services of these names, out of all that a watch sees."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._found: dict[str, Fields] | None = None

    def take(self, change: Listing | WatchEvent) -> Iterable[str]:
        """Take what the watch says, and give the Services that it is about."""
        if isinstance(change, Listing):
            self._found = {name: content for name, content in change.items.items() if name in self._names}
            return self._names
        found = self._found if self._found is not None and change.name in self._names else {}
        if change.kind == "DELETED":
            found.pop(change.name, None)
        else:
            found[change.name] = change.content
        return self._names & {change.name}

    def show(self, port: ServicePortWatch) -> None:
        """Tell it whether there is such a Service, and how it is."""
        if self._found is not None:
            port.see_service(self._found.get(port.service.name))


class SliceCache:
    """The EndpointSlices of the Services of these names, out of all that a watch sees."""

    def __init__(self, names: Iterable[str]) -> None:
        self._slices: dict[str, dict[str, Fields]] = {name: {} for name in names}
        self._owners: dict[str, str] = {}
        self._is_listed = False

    def take(self, change: Listing | WatchEvent) -> Iterable[str]:
        """Take what the watch says, and give the Services that it is about: two if a slice has changed hands."""
        return self._list(change.items) if isinstance(change, Listing) else self._change(change)

    def show(self, port: ServicePortWatch) -> None:
        """Tell it the slices as they are now."""
        if self._is_listed:
            port.see_slices(self._slices[port.service.name])

    def _list(self, found: Objects) -> Iterable[str]:
        before = {name: self._slices[owner][name] for name, owner in self._owners.items()}
        self._is_listed = True
        self._owners = {}
        self._slices = {service: {} for service in self._slices}
        for name, content in found.items():
            self._put(name, _one_of(before.get(name), content))
        return self._slices

    def _change(self, event: WatchEvent) -> Iterable[str]:
        before = self._owners.pop(event.name, None)
        if before is not None:
            del self._slices[before][event.name]
        after = None if event.kind == "DELETED" else self._put(event.name, event.content)
        return {owner for owner in (before, after) if owner is not None}

    def _put(self, name: str, content: Fields) -> str | None:
        owner = _owner(content)
        if owner not in self._slices:
            return None
        self._owners[name] = owner
        self._slices[owner][name] = content
        return owner


def _one_of(known: Fields | None, found: Fields) -> Fields:
    """Give what is known already if it is the same: nobody need read it again, after most lists of ten thousand."""
    try:
        return known if known is not None and known == found else found
    except RecursionError:  # nested as deep as can be read: no slice of this world
        return found


def _owner(content: Fields) -> str | None:
    try:
        labels = mapping(mapping(content.get("metadata"), "metadata").get("labels"), "labels")
        return text(labels.get(SERVICE_LABEL), SERVICE_LABEL)
    except SkipError:
        return None
