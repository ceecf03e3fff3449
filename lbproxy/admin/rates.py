"""Rates and connect times of a service, from what was counted between two samples: the points of its curves. Pure."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from lbproxy.model.stats import Histogram


class Point(NamedTuple):
    """One moment of all curves of a service. The page gets the field names from here."""

    time: int
    """Milliseconds since 1970."""
    accepted: float
    """Clients per second, like `retries` and `rejected`; `received` and `sent` are bytes per second."""
    received: float
    sent: float
    retries: float
    rejected: float
    active: int
    median: float | None
    """Milliseconds that half of the connects took at most; None if there was no connect."""
    slow: float | None
    """The same for 99 % of the connects."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was counted; such a point is not sent."""
        return not any((self.accepted, self.received, self.sent, self.retries, self.rejected))


class Growth(NamedTuple):
    """What was counted between two samples."""

    accepted: int
    received: int
    sent: int
    retries: int
    rejected: int
    connects: Histogram | None
    """Connect times; its `total` is not set."""


def point(time: int, seconds: float, active: int, growth: Growth) -> Point:
    """Make a point of what was counted in this many seconds. `time` is milliseconds since 1970."""
    connects = growth.connects
    accepted, received, sent, retries, rejected = (round(count / seconds, 2) if seconds > 0 else 0.0
                                                   for count in growth[:-1])
    bounds, counts = (connects.bounds, connects.counts) if connects else ((), [])
    return Point(time, accepted, received, sent, retries, rejected, active,
                 quantile(bounds, counts, 0.5), quantile(bounds, counts, 0.99))


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """Milliseconds below which this share (0 to 1) of the durations lies, as Prometheus' `histogram_quantile`.

    Interpolates linearly within a bucket. None if nothing was counted; the highest bound if it lies above all of them.
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
    """Give the counts that `after` has more than `before`."""
    if before is None or after is None:
        return after
    return Histogram(after.bounds, [max(0, now - then) for now, then in zip(after.counts, before.counts, strict=True)])
