"""The points of a service's curves: rates, and how long connecting took, from what was counted meanwhile. Pure."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from lbproxy.model.stats import Histogram


class Point(NamedTuple):
    """One moment of all curves of a service."""

    time: int
    """Milliseconds since 1970."""
    accepted: float
    """Clients per second, as are retries and rejected; bytes likewise."""
    received: float
    sent: float
    retries: float
    rejected: float
    active: int
    median: float | None
    """Milliseconds that connecting took half of the time; None: nobody connected."""
    slow: float | None
    """The same for 99 of 100."""

    @property
    def is_quiet(self) -> bool:
        """Nothing happened."""
        return not any((self.accepted, self.received, self.sent, self.retries, self.rejected))


class Growth(NamedTuple):
    """What was counted meanwhile."""

    accepted: int
    received: int
    sent: int
    retries: int
    rejected: int
    connects: Histogram | None
    """How long connecting took; the sum is of no use."""


def point(time: int, seconds: float, active: int, growth: Growth) -> Point:
    """Make a point of what was counted in so many seconds."""
    connects = growth.connects
    accepted, received, sent, retries, rejected = (round(count / seconds, 2) if seconds > 0 else 0.0
                                                   for count in growth[:-1])
    bounds, counts = (connects.bounds, connects.counts) if connects else ((), [])
    return Point(time, accepted, received, sent, retries, rejected, active,
                 quantile(bounds, counts, 0.5), quantile(bounds, counts, 0.99))


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """Milliseconds below which this share of what was counted lies, as in Prometheus' `histogram_quantile`.

    None if nothing was counted; the highest bound if it lies above all of them.
    """
    totals = list(accumulate(counts))
    if not totals or not totals[-1]:
        return None
    rank = share * totals[-1]
    place = next(place for place, total in enumerate(totals) if total >= rank)
    if place == len(bounds):
        return 1000 * bounds[-1]
    low = bounds[place - 1] if place else 0.0
    below = totals[place - 1] if place else 0
    return round(1000 * (low + (bounds[place] - low) * (rank - below) / counts[place]), 3)


def since(before: Histogram | None, after: Histogram | None) -> Histogram | None:
    """What one histogram has more than the other."""
    if before is None or after is None:
        return after
    return Histogram(after.bounds, [max(0, now - then) for now, then in zip(after.counts, before.counts, strict=True)])
