"""What is valid and still not what its author expects."""

from collections.abc import Iterator
from typing import NamedTuple

from lbproxy.config.effective import Config
from lbproxy.model.snapshot import Scheduler
from lbproxy.text.quoting import listed

_WEIGHTED = {Scheduler.LC: Scheduler.WLC, Scheduler.RR: Scheduler.WRR}
"""The schedulers that ignore weights, and those that choose alike by weight."""


class IgnoredWeights(NamedTuple):
    """A service with unequal weights, and a scheduler that ignores them."""

    service: str
    scheduler: Scheduler
    instead: Scheduler
    """The one that uses the weights."""
    weights: tuple[int, ...]
    """Those of its backends, each once."""

    def __str__(self) -> str:
        return (f"service {self.service}: scheduler {self.scheduler} ignores the weights "
                f"{listed(map(str, self.weights)).replace(' or ', ' and ')}; write scheduler {self.instead}")


def ignored_weights(config: Config) -> Iterator[IgnoredWeights]:
    """Yield the services whose weights are ignored. Weight 0 never is: such a backend gets no new connections."""
    policies = {name: spec.policy for name, spec in config.specs().items()}
    for service in config.services:
        scheduler = policies[service.name].scheduler
        weights = sorted({backend.weight for backend in service.backends} - {0})
        if scheduler in _WEIGHTED and len(weights) > 1:
            yield IgnoredWeights(service.name, scheduler, _WEIGHTED[scheduler], tuple(weights))
