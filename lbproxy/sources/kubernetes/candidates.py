"""What slices say of one address, and which saying counts when several do.

Pure. An address stands in two slices while the controller moves it; the one that makes it most available wins.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lbproxy.model.snapshot import Endpoint


@dataclass(frozen=True, slots=True)
class EndpointCandidate:
    """One address as one slice says it."""

    endpoint: Endpoint
    zones: frozenset[str] = frozenset()
    """The zones that it is meant for; empty: it has no hints."""


def for_zone(candidates: Iterable[EndpointCandidate], zone: str) -> tuple[Endpoint, ...]:
    """Turn away (weight 0: they keep their connections) the ready endpoints that are meant for other zones.

    As KEP-2433 has it: only if every ready endpoint has hints and one at least is meant for `zone`; empty: no zone.
    """
    if not zone:
        return tuple(candidate.endpoint for candidate in candidates)
    known = tuple(candidates)
    ready = [candidate for candidate in known if candidate.endpoint.is_ready]
    is_hinted = all(candidate.zones for candidate in ready) and any(zone in candidate.zones for candidate in ready)
    if not is_hinted:
        return tuple(candidate.endpoint for candidate in known)
    return tuple(_turned_away(candidate, zone) for candidate in known)


def _turned_away(candidate: EndpointCandidate, zone: str) -> Endpoint:
    endpoint = candidate.endpoint
    return replace(endpoint, weight=0) if endpoint.is_ready and zone not in candidate.zones else endpoint


def winner(one: EndpointCandidate, other: EndpointCandidate) -> EndpointCandidate:
    """Give what counts of two sayings of one address. Of more than two it is the same in whatever order."""
    ranks = _availability(one.endpoint), _availability(other.endpoint)
    if ranks[0] == ranks[1]:
        return one if one.zones == other.zones else replace(one, zones=one.zones | other.zones)
    return one if ranks[0] > ranks[1] else other


def _availability(endpoint: Endpoint) -> tuple[bool, bool, bool, bool]:
    is_last_resort = endpoint.is_terminating and endpoint.is_serving
    return endpoint.is_ready, is_last_resort, not endpoint.is_terminating, endpoint.is_serving
