"""Which backend gets the next connection: the one with the lowest score, ties in rotation.

Choosing and counting are one synchronous step. A pick costs O(log n) at most, whatever the number of
backends: candidates of equal score share a bucket, and a heap orders the scores, not the candidates.
"""

import heapq
import math
from collections import OrderedDict
from collections.abc import Collection
from typing import Generic, TypeVar

from lbproxy.model.snapshot import Scheduler

SPARE_BUCKETS = 64
"""Empty buckets kept beyond one per candidate: reusing one is cheaper than making it."""

ROUNDING = 1e-6
"""A score times a weight is an integer, or at least 1 / MAX_WEIGHT away from one: a smaller gap is a rounding error."""


class Candidate:
    """One backend as a scheduler sees it; its scheduler alone changes it."""

    __slots__ = ("active", "score", "turns", "weight")

    def __init__(self, weight: int = 1) -> None:
        self.weight = weight
        self.active = 0  # leases held now; they outlive membership
        self.turns = 0  # picks so far; adjusted on entry: a newcomer must not be given all the turns that it missed
        self.score: float | None = None  # the bucket it stands in; None while it is not to be chosen

    def __repr__(self) -> str:
        place = "out" if self.score is None else f"score {self.score:g}"
        return f"<{type(self).__name__} active {self.active} weight {self.weight} {place}>"


C = TypeVar("C", bound=Candidate)


class LeastScore(Generic[C]):
    """Least connections (`lc`), per weight (`wlc`), round robin (`rr`) and smooth weighted (`wrr`).

    Scores: `lc` active; `wlc` active / weight, IPVS's rule; `rr` turns; `wrr` (turns + 1) / weight, which is
    earliest deadline first. Equal quotients of integers below 2**53 are equal floats, so ties are exact.
    A candidate of weight 0 is never chosen, whatever the scheduler.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self._by_turns = scheduler in {Scheduler.RR, Scheduler.WRR}
        self._is_weighted = scheduler in {Scheduler.WLC, Scheduler.WRR}
        self._buckets: dict[float, OrderedDict[C, None]] = {}
        self._scores: list[float] = []  # a heap that holds each key of _buckets once
        self._standing = 0
        self._picked = 0.0  # the score of the last pick: where newcomers of rr and wrr start

    def __len__(self) -> int:
        """How many candidates can be chosen now."""
        return self._standing

    def admit(self, candidate: C) -> None:
        """Let it be chosen from now on; nothing changes if it is already, or if its weight is 0."""
        if candidate.score is None and candidate.weight > 0:
            if self._by_turns:
                least, most = self._turns_now(candidate)
                candidate.turns = min(max(candidate.turns, least), most)
            self._standing += 1
            self._place(candidate)

    def withdraw(self, candidate: C) -> None:
        """No longer choose it; its leases go on. Nothing changes if it is out already."""
        if candidate.score is not None:
            del self._buckets[candidate.score][candidate]
            candidate.score = None
            self._standing -= 1

    def acquire(self, excluded: Collection[C] = ()) -> C | None:
        """Choose and count in one step; None if no candidate is left. `release` returns the lease."""
        bucket = self._best_bucket()
        if bucket is None:
            return None
        candidate = self._first_besides(excluded) if excluded else bucket.popitem(last=False)[0]
        if candidate is not None:
            self._picked = candidate.score or 0.0
            candidate.active += 1
            candidate.turns += 1
            self._place(candidate)
        return candidate

    def release(self, candidate: C) -> None:
        """Return a lease; the candidate may have been withdrawn meanwhile."""
        candidate.active -= 1
        if candidate.score is not None and not self._by_turns:
            del self._buckets[candidate.score][candidate]
            self._place(candidate)

    def next(self) -> C | None:
        """Name the candidate that would be chosen now, without choosing it."""
        bucket = self._best_bucket()
        return next(iter(bucket)) if bucket else None

    def _best_bucket(self) -> OrderedDict[C, None] | None:
        scores, buckets = self._scores, self._buckets
        while scores:
            bucket = buckets[scores[0]]
            if bucket:
                return bucket
            del buckets[heapq.heappop(scores)]
        return None

    def _first_besides(self, excluded: Collection[C]) -> C | None:
        # Only retries come here: few are excluded, so the first bucket nearly always has another.
        for score in sorted(self._scores):
            for candidate in self._buckets[score]:
                if candidate not in excluded:
                    del self._buckets[score][candidate]
                    return candidate
        return None

    def _place(self, candidate: C) -> None:
        score: float = candidate.turns if self._by_turns else candidate.active
        if self._is_weighted:
            score = (score + self._by_turns) / candidate.weight
        bucket = self._buckets.get(score)
        if bucket is None:
            bucket = self._open_bucket(score)
        bucket[candidate] = None
        candidate.score = score

    def _open_bucket(self, score: float) -> OrderedDict[C, None]:
        if len(self._scores) > 2 * self._standing + SPARE_BUCKETS:
            self._drop_empty_buckets()
        heapq.heappush(self._scores, score)
        self._buckets[score] = bucket = OrderedDict[C, None]()
        return bucket

    def _drop_empty_buckets(self) -> None:
        self._buckets = {score: bucket for score, bucket in self._buckets.items() if bucket}
        self._scores = sorted(self._buckets)

    def _turns_now(self, candidate: C) -> tuple[int, int]:
        """The least and the most turns that it could have, had it been here all along with its present weight."""
        due = self._picked * candidate.weight if self._is_weighted else self._picked
        return math.ceil(due - ROUNDING) - self._is_weighted, math.floor(due + ROUNDING) + 1 - self._is_weighted
