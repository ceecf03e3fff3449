"""How long to wait before the next attempt: longer each time, and never in step with other clients."""

import random
from dataclasses import dataclass

LONGEST_ASKED = 300.0
"""Seconds; a server that asks for more (Retry-After) is asked again after this."""


@dataclass(slots=True)
class Backoff:
    """Seconds: `first`, then twice as long each time, up to `longest`; each less by up to half, by chance."""

    first: float
    longest: float
    _next: float = 0.0

    def reset(self) -> None:
        """Start over: it went well for a while."""
        self._next = 0.0

    def delay(self, at_least: float = 0.0) -> float:
        """Give the seconds to wait now; `at_least` is what the server asks for."""
        self._next = min(2 * self._next, self.longest) or self.first
        jittered = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return max(jittered, min(at_least, LONGEST_ASKED))
