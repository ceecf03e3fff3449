"""All EndpointSlices of a Service in, its endpoints out: the one place that says what Kubernetes means.

Pure, never raises, and the order of the slices is of no matter. Slices that did not change are not read again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lbproxy.model.diff import changed
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.kubernetes.candidates import for_zone
from lbproxy.sources.kubernetes.slice_part import NO_PART, SlicePart, read_slice
from lbproxy.sources.kubernetes.union import Union


@dataclass(frozen=True, slots=True)
class ServiceEndpoints:
    """What the slices of one Service say."""

    endpoints: tuple[Endpoint, ...]
    skipped: tuple[str, ...] = ()
    """Why something was left out: each reason once, sorted."""
    changed_at: float | None = None
    """When the last change in the cluster was that they tell of: seconds since 1970."""


class Slices:
    """The slices of one Service, for the Service port of this name; with a zone, heeding its hints (KEP-2433)."""

    def __init__(self, port_name: str, zone: str = "") -> None:
        self._port_name, self._zone = port_name, zone
        self._contents: dict[str, object] = {}
        self._parts: dict[str, SlicePart] = {}
        self._union = Union()

    def read(self, contents: Mapping[str, object]) -> ServiceEndpoints:
        """Read the complete set, by name. A slice that is the same object as the last time is taken as read.

        One that is garbled now takes away nothing of what it was.
        """
        for name, _, new in changed(self._contents, contents):
            old = self._parts.pop(name, NO_PART)
            if new is not None:
                part = read_slice(new, self._port_name)
                self._parts[name] = part if part.is_slice else replace(old, skipped=part.skipped)
            self._union.replace(old.candidates, self._parts.get(name, NO_PART).candidates)
        self._contents = dict(contents)
        return self._reading()

    def _reading(self) -> ServiceEndpoints:
        parts = self._parts.values()
        return ServiceEndpoints(for_zone(self._union.candidates(), self._zone),
                       tuple(sorted({reason for part in parts for reason in part.skipped})),
                       max((part.changed_at for part in parts if part.changed_at is not None), default=None))


def read(slices: Iterable[object], port_name: str, zone: str = "") -> ServiceEndpoints:
    """Read slices once."""
    return Slices(port_name, zone).read({str(number): content for number, content in enumerate(slices)})
