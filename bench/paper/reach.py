"""Table 1: over what lies between nodes, which overlays reach the pods at all."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.net import Address
from bench.paper.ground import Ground, Running
from bench.paper.throughput import lab_pods


@dataclass(frozen=True, slots=True)
class Reach:
    """Ask a pod of each worker, from the node."""

    def backends(self, ground: Ground, count: int) -> AbstractContextManager[tuple[Address, ...]]:
        """Return the lab's own pods."""
        return lab_pods(ground, count)

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Nothing to warm."""

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        """Return 1 when all answer."""
        del running
        return {"reached": float(ground.lab.reaches_pods())}
