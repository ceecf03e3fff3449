"""Minutes and hours that pass at once: what `watch` sees of the time."""

import asyncio

import pytest

from lbproxy.sources.kubernetes.client import watch


class Clock:
    """Stands there for asyncio and for its monotonic clock; a wait is over at once, and time has passed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits: list[float] = []
        self._now = 0.0
        monkeypatch.setattr(watch, "asyncio", self)
        monkeypatch.setattr(watch, "monotonic", self.monotonic)

    def monotonic(self) -> float:
        """Return the seconds that have passed; waits of several tasks add up."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass that nobody waits for with `sleep`."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Return at once; the time has passed, and the wait is noted."""
        self.waits.append(seconds)
        self._now += seconds
        await asyncio.sleep(0)
