"""For how long nothing was heard of somebody."""

import time
from collections.abc import Callable


class Silence:
    """Counts from the last sign of life, as seen by whoever looks; before the first look nothing counts."""

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._signs = -1
        self._since = 0.0

    def note(self, signs: int) -> None:
        """Take down how many signs of life there have been so far."""
        if signs != self._signs:
            self._signs, self._since = signs, self._clock()

    def is_too_long(self) -> bool:
        """Whether there was none for longer than the limit, in seconds."""
        return self._signs >= 0 and self._clock() - self._since > self._limit
