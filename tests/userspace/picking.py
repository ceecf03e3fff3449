"""Schedulers with candidates that have names, so that an expectation reads like `abcabc`."""

from lbproxy.dataplanes.userspace.worker.scheduler import Candidate, LeastScore
from lbproxy.model.snapshot import Scheduler


class Named(Candidate):
    """A candidate that a failing test can name."""

    __slots__ = ("name",)

    def __init__(self, name: str, weight: int = 1) -> None:
        super().__init__(weight)
        self.name = name


def started(scheduler: Scheduler, weights: dict[str, int]) -> tuple[LeastScore[Named], dict[str, Named]]:
    """A scheduler with these candidates admitted, in this order."""
    least, candidates = LeastScore[Named](scheduler), {name: Named(name, weight) for name, weight in weights.items()}
    for candidate in candidates.values():
        least.admit(candidate)
    return least, candidates


def picks(least: LeastScore[Named], count: int) -> str:
    """Who is chosen in so many picks, when nobody gives a lease back."""
    chosen = [least.acquire() for _ in range(count)]
    return "".join(candidate.name for candidate in chosen if candidate)


def change_weight(least: LeastScore[Named], candidate: Named, weight: int) -> None:
    least.withdraw(candidate)
    candidate.weight = weight
    least.admit(candidate)
