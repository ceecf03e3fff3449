"""What the engine under test has counted, and the laws that its counters obey."""

import os
from collections.abc import Hashable, Mapping

from lbproxy.dataplanes.userspace.main import counter_view
from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.model.stats import BackendStats, ServiceStats

SLOT = 3
"""The service's: anything but 0, so that a forgotten slot shows."""
WORKERS = 2
"""The engine under test is the first. The other exists only as its counters, which a test may write."""


class EngineCounters:
    """The counters of one service and its backends, in shared memory as a worker has them."""

    def __init__(self) -> None:
        descriptor = counters.allocate(WORKERS)
        self.blocks = counters.attach(descriptor, WORKERS)
        os.close(descriptor)
        self.slots: dict[Hashable, int] = {}

    @property
    def service(self) -> ServiceStats:
        return counter_view.service_stats(self.blocks, SLOT)

    def hold(self, backend: Hashable) -> int:
        """Give a backend a slot of its own."""
        return self.slots.setdefault(backend, 10 + len(self.slots))

    def stats(self, backend: Hashable) -> BackendStats:
        return counter_view.backend_stats(self.blocks, self.slots[backend])

    def active(self) -> int:
        """Leases held now, of all backends."""
        return sum(self.stats(backend).active for backend in self.slots)

    def rejected(self) -> dict[str, int]:
        """Refused clients, by reason."""
        return _counted(self.service.rejected)

    def closed(self, backend: Hashable) -> dict[str, int]:
        """A backend's ended connections, by reason."""
        return _counted(self.stats(backend).closed)

    def failed(self, backend: Hashable) -> dict[str, int]:
        """Failed attempts to connect to a backend, by reason."""
        return _counted(self.stats(backend).failures)

    def totals(self) -> dict[str, int]:
        """Over all backends."""
        every = [self.stats(backend) for backend in self.slots]
        return {
            "attempts": sum(stats.connections for stats in every),
            "failed": sum(sum(stats.failures.values()) for stats in every),
            "closed": sum(sum(stats.closed.values()) for stats in every),
            "retries": sum(stats.retries for stats in every),
        }

    def is_balanced(self) -> bool:
        """Nothing is held, each client ended exactly once, and no attempt did so twice."""
        totals, service = self.totals(), self.service
        return (
            self.active() == service.queued == 0
            and service.accepted == sum(service.rejected.values()) + totals["closed"]
            and totals["attempts"] >= totals["failed"] + totals["closed"]
            and totals["retries"] <= totals["failed"]
        )


def _counted(reasons: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in reasons.items() if count}
