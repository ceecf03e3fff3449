"""Figure 12: how many requests a link has room for, computed from their bytes, and how many go through."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.lab.netns import call
from bench.net import Address
from bench.paper.ground import Ground, Running
from bench.paper.throughput import Throughput

MEGABIT = 1e6
BITS = 8


@dataclass(frozen=True, slots=True)
class Limited:
    """Throughput over a limited link, and the limit by the bytes that the link itself counted."""

    throughput: Throughput

    def backends(self, ground: Ground, count: int) -> AbstractContextManager[tuple[Address, ...]]:
        """Return the lab's own pods."""
        return self.throughput.backends(ground, count)

    def warm_up(self, ground: Ground, running: Running) -> None:
        """Load it for a moment."""
        self.throughput.warm_up(ground, running)

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        """Load it; `limit` is in requests/s, from Ethernet frames without preamble and gap, as tbf counts."""
        before = _sent(ground)
        found = self.throughput.sample(ground, running)
        megabits = ground.lab.shape.megabits or 0
        each = (_sent(ground) - before) / max(found["per_second"] * self.throughput.seconds, 1)
        return {**found, "wire_bytes": each, "limit": megabits * MEGABIT / BITS / each}


def _sent(ground: Ground) -> int:
    """Return the bytes that went from the node towards the client, where answers are the larger part."""
    shown = call(["tc", "-netns", ground.lab.node.name, "-json", "-s", "qdisc", "show", "dev", "client"])
    return sum(int(discipline["bytes"]) for discipline in json.loads(shown) if discipline["kind"] == "tbf")
