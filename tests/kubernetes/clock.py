"""Minutes and hours that pass at once: what `watch` sees of the time."""

import asyncio

import pytest

from lbproxy.sources.kubernetes import watch


class Clock:
    """Stands there for asyncio and for its monotonic clock; a wait is over at once, and time has passed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits: list[float] = []
        self._now = 0.0
        monkeypatch.setattr(watch, "asyncio", self)
        monkeypatch.setattr(watch, "monotonic", self.monotonic)

    def monotonic(self) -> float:
        """Give the seconds that were waited; when several wait, one after the other."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Count it."""
        self.waits.append(seconds)
        self._now += seconds
        await asyncio.sleep(0)
