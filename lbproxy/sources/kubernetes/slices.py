"""All EndpointSlices of a Service in, its endpoints out: the one place that says what Kubernetes means.

Pure, never raises, and the order of the slices is of no matter. A slice that did not change need not be read again:
`read_slice` gives its part, `combine` makes the whole of the parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from lbproxy.model import Endpoint
from lbproxy.sources.kubernetes.candidates import for_zone, union
from lbproxy.sources.kubernetes.slice_part import SlicePart, read_slice


@dataclass(frozen=True, slots=True)
class Reading:
    """What the slices of one Service say."""

    endpoints: tuple[Endpoint, ...]
    skipped: tuple[str, ...] = ()
    """Why something was left out: each reason once, sorted."""
    changed_at: float | None = None
    """When the last change in the cluster was that they tell of: seconds since 1970."""


def read(slices: Iterable[object], port_name: str, zone: str = "") -> Reading:
    """Read slices for the Service port of this name; with a zone, heed the hints for zones (KEP-2433)."""
    return combine((read_slice(content, port_name) for content in slices), zone)


def combine(parts: Iterable[SlicePart], zone: str = "") -> Reading:
    """Make the whole of the parts: every address once, the most available saying of it wins."""
    known = tuple(parts)
    candidates = union(chain.from_iterable(part.candidates for part in known))
    times = [part.changed_at for part in known if part.changed_at is not None]
    return Reading(for_zone(candidates.values(), zone),
                   tuple(sorted({reason for part in known for reason in part.skipped})),
                   max(times, default=None))
