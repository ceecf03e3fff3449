"""What an idle connection costs a balancer in memory, over all its processes; kernel memory is not in it."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.errors import BenchError
from bench.relay.bed import Balancer, Bed, Subject
from bench.relay.lineups import everyone
from bench.relay.measurement import Metric, Plan
from bench.systems import System
from bench.waiting import wait_until

CONNECTIONS = 4_000
WARM_UP_CONNECTIONS = 50
ENDS = 2
# The connection that asked whether the balancer was ready may still be closing, or a health check be open.
SLACK = 6
SETTLE_SECONDS = 10.0
KILOBYTE = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Proportional set size with thousands of idle connections, less that without them."""

    plan = Plan(
        "memory", f"Memory per connection, {CONNECTIONS:,} idle connections", "haproxy",
        (Metric("kb_per_connection", "KB/connection", 2), Metric("empty_mb", "MB without connections", 1)),
        most_rounds=3,
        most_turns=1,  # allocators keep what they were given back
    )

    def lineup(self, systems: Sequence[System]) -> tuple[Subject, ...]:
        """Return every system."""
        return everyone(systems)

    def warm_up(self, bed: Bed, balancer: Balancer) -> None:
        """Let it allocate what it allocates only once."""
        del bed
        with idle_connections(balancer, WARM_UP_CONNECTIONS):
            pass

    def sample(self, bed: Bed, balancer: Balancer) -> Mapping[str, float]:
        """Fill it with idle connections and empty it again."""
        del bed
        before = balancer.meter.pss_bytes()
        with idle_connections(balancer, CONNECTIONS):
            after = balancer.meter.pss_bytes()
        return {
            "kb_per_connection": (after - before) / CONNECTIONS / KILOBYTE,
            "empty_mb": before / KILOBYTE**2,
        }


@contextmanager
def idle_connections(balancer: Balancer, count: int) -> Iterator[None]:
    """Hold `count` connections through `balancer`, both ends of each, open while the block lasts."""
    before = balancer.meter.descriptors()
    with ExitStack() as connections:
        for _ in range(count):
            connections.enter_context(_connect(balancer))
        enough = before + ENDS * count - SLACK
        if not wait_until(lambda: balancer.meter.descriptors() >= enough, SETTLE_SECONDS):
            raise BenchError(f"{balancer.meter.descriptors() - before} descriptors for {count} connections")
        yield
    wait_until(lambda: balancer.meter.descriptors() <= before, SETTLE_SECONDS)


def _connect(balancer: Balancer) -> socket.socket:
    address = balancer.address
    try:
        return socket.create_connection((address.host, address.port), timeout=SETTLE_SECONDS)
    except OSError as error:
        raise BenchError(f"a connection failed: {error}") from error
