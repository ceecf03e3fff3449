"""How much to measure: the whole, about twenty minutes, or a quick look at everything."""

from dataclasses import dataclass

from bench.lab.shape import Overlay, Spreading


@dataclass(frozen=True, slots=True)
class Plan:
    """Rounds and what varies. The largest number of pods is where systems are compared."""

    rounds: int
    few_rounds: int
    """For what has many cases, or long ones."""
    pods: tuple[int, ...]
    spreadings: tuple[Spreading, ...]
    rates: tuple[float, ...]
    """Of the slowest system's throughput, for latency."""
    overlays: tuple[Overlay, ...] = tuple(Overlay)
    seconds: int = 1
    """Of load for a sample of throughput."""

    @property
    def is_quick(self) -> bool:
        """Return whether it is only a look."""
        return self.rounds == 1

    @property
    def most(self) -> int:
        """Return the largest number of pods."""
        return max(self.pods)


FULL = Plan(rounds=3, few_rounds=2, pods=(1, 2, 4, 8), spreadings=tuple(Spreading), rates=(0.25, 0.5, 0.8))
GUEST = Plan(
    rounds=2, few_rounds=1, pods=(1, 4), spreadings=(Spreading.ONE, Spreading.ALL), rates=(0.5, 0.8), seconds=3,
)
"""In a virtual machine without the processor's help, where all takes ten times as long."""
QUICK = Plan(rounds=1, few_rounds=1, pods=(1, 8), spreadings=(Spreading.ONE, Spreading.ALL), rates=(0.5,))
PLANS = {"full": FULL, "guest": GUEST, "quick": QUICK}
