"""The endpoints of one Service, merged from all its EndpointSlices.

Pure, never raises, and the order of the slices does not matter. Only slices that changed are read again: among a
thousand Services one change cost 29 ms of CPU when all were merged anew, and 5 ms so.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from lbproxy.model.address import Address
from lbproxy.model.diff import changed
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.kubernetes.endpoint_slice import NO_PART, EndpointCandidate, SlicePart, read_slice


@dataclass(frozen=True, slots=True)
class ServiceEndpoints:
    """What all slices of one Service say together."""

    endpoints: tuple[Endpoint, ...]
    """Each address once, in order of address."""
    skipped: tuple[str, ...] = ()
    """Why something was left out: each reason once, sorted."""
    changed_at: float | None = None
    """The latest change of pods that a slice has ever reported: seconds since 1970, whole ones; None: none did."""


class SliceMerger:
    """Merges the slices of one Service, for the Service port of this name.

    With a zone, it follows the slices' hints (KEP-2433); with an empty one it ignores them.
    """

    def __init__(self, port_name: str, zone: str = "") -> None:
        self._port_name, self._zone = port_name, zone
        self._contents: dict[str, object] = {}
        self._parts: dict[str, SlicePart] = {}
        self._merged = CandidateMerger()
        self._changed_at: float | None = None

    def merge(self, contents: Mapping[str, object]) -> ServiceEndpoints:
        """Read the complete set of slices, by name. A slice that is the same object as before is not read again.

        A slice that can't be read keeps the endpoints that it had: a server that sends nonsense empties no service.
        """
        # By identity: the caches keep the old object of a slice that a list has shown unchanged.
        for name, _, new in changed(self._contents, contents):
            old = self._parts.pop(name, NO_PART)
            if new is not None:
                part = read_slice(new, self._port_name)
                self._parts[name] = part if part.is_readable else replace(old, skipped=part.skipped)
            self._merged.replace(old.candidates, self._parts.get(name, NO_PART).candidates)
        # A copy: the cache changes its own dict in place.
        self._contents = dict(contents)
        return self._endpoints()

    def _endpoints(self) -> ServiceEndpoints:
        parts = self._parts.values()
        # Never back to the older time of another slice, as when the latest one loses its annotation or is deleted:
        # the change that this brings is not of that time.
        times = (part.changed_at for part in parts if part.changed_at is not None)
        self._changed_at = max(filter(None, (self._changed_at, *times)), default=None)
        return ServiceEndpoints(for_zone(self._merged.candidates(), self._zone),
                                tuple(sorted({reason for part in parts for reason in part.skipped})),
                                self._changed_at)


def merged(slices: Iterable[object], port_name: str, zone: str = "") -> ServiceEndpoints:
    """Merge slices once. See `SliceMerger`."""
    return SliceMerger(port_name, zone).merge({str(number): content for number, content in enumerate(slices)})


class CandidateMerger:
    """Keeps each address once; of several candidates for it the most available wins.

    An address is in two slices while the endpoint slice controller moves it (kubernetes/kubernetes#114144; the
    documentation of EndpointSlices leaves such duplicates to the consumer). The result depends only on the present
    candidates, never on their history.
    """

    def __init__(self) -> None:
        self._candidates_by_address: dict[Address, list[EndpointCandidate]] = {}
        self._winners: dict[Address, EndpointCandidate] = {}
        self._order: list[Address] | None = None
        """The addresses, sorted; None before the first `candidates`: sorting all at once is cheaper."""

    def replace(self, old: Iterable[EndpointCandidate], new: Iterable[EndpointCandidate]) -> None:
        """Replace what one slice said before by what it says now. A slice that does not exist says nothing."""
        touched: dict[Address, None] = {}
        for candidate in new:
            touched[candidate.endpoint.address] = None
            self._candidates_by_address.setdefault(candidate.endpoint.address, []).append(candidate)
        for candidate in old:
            touched[candidate.endpoint.address] = None
            self._candidates_by_address[candidate.endpoint.address].remove(candidate)
        for address in touched:
            self._decide(address)

    def candidates(self) -> list[EndpointCandidate]:
        """Return the winners in order of address. Those that did not change are the same objects as before."""
        if self._order is None:
            self._order = sorted(self._winners)
        return [self._winners[address] for address in self._order]

    def _decide(self, address: Address) -> None:
        candidates, before = self._candidates_by_address[address], self._winners.get(address)
        if not candidates:
            del self._candidates_by_address[address]
            self._winners.pop(address, None)
        # An equal winner stays the old object, so that nothing behind this sees a change.
        elif (best := reduce(_more_available, candidates)) != before:
            self._winners[address] = best
        if self._order is not None and (before is None) == bool(candidates):
            self._place(self._order, address, is_present=bool(candidates))

    @staticmethod
    def _place(order: list[Address], address: Address, *, is_present: bool) -> None:
        if is_present:
            insort(order, address)
        else:
            del order[bisect_left(order, address)]


def _more_available(one: EndpointCandidate, other: EndpointCandidate) -> EndpointCandidate:
    """Return the more available one; the same of equals in any order, because their zones are united."""
    ranks = _availability(one.endpoint), _availability(other.endpoint)
    if ranks[0] == ranks[1]:
        return one if one.zones == other.zones else replace(one, zones=one.zones | other.zones)
    return one if ranks[0] > ranks[1] else other


def _availability(endpoint: Endpoint) -> tuple[bool, bool, bool, bool]:
    # A terminating endpoint that still serves is used when no ready one exists (KEP-1669), so it ranks second.
    is_last_resort = endpoint.is_terminating and endpoint.is_serving
    return endpoint.is_ready, is_last_resort, not endpoint.is_terminating, endpoint.is_serving


def for_zone(candidates: Iterable[EndpointCandidate], zone: str) -> tuple[Endpoint, ...]:
    """Make the ready endpoints that are meant for other zones spare ones, used while none of this zone can be.

    As KEP-2433 has it, only if every ready endpoint has hints and at least one is meant for `zone`. An empty zone
    changes nothing.
    """
    if not zone:
        return tuple(candidate.endpoint for candidate in candidates)
    known = tuple(candidates)
    ready = [candidate for candidate in known if candidate.endpoint.is_ready]
    is_hinted = all(candidate.zones for candidate in ready) and any(zone in candidate.zones for candidate in ready)
    if not is_hinted:
        return tuple(candidate.endpoint for candidate in known)
    return tuple(_weighted(candidate, zone) for candidate in known)


def _weighted(candidate: EndpointCandidate, zone: str) -> Endpoint:
    endpoint = candidate.endpoint
    # Not left out: then it would be removed, and lose its connections after drain-timeout.
    if not endpoint.is_ready or zone in candidate.zones:
        return endpoint
    return replace(endpoint, weight=0, spare_weight=endpoint.weight)
