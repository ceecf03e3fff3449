"""The log of one worker's pauses in accepting: a line when they begin and one when they are over.

While the machine is short of something, a worker tries again at each tick: that is one shortage, not ten a second.
"""

import asyncio

import structlog

CALM = 1.0
"""Seconds without a pause after which they are over."""

log = structlog.get_logger()


class PauseLog:
    """Told of each pause and of its end."""

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._is_told = False
        self._calm: asyncio.TimerHandle | None = None

    def begin(self, reason: str, limit: int) -> None:
        """Accepting has paused."""
        self.forget()
        if not self._is_told:
            self._is_told = True
            log.warning("accepting paused", worker=self._worker, reason=reason, limit=limit)

    def end(self) -> None:
        """Accepting goes on."""
        self._calm = asyncio.get_running_loop().call_later(CALM, self._over)

    def forget(self) -> None:
        """Nothing is to be told of what was."""
        if self._calm is not None:
            self._calm.cancel()

    def _over(self) -> None:
        self._is_told = False
        log.info("accepting resumed", worker=self._worker)
