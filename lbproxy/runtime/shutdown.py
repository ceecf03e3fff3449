"""How signals end the program: SIGTERM politely, SIGINT without the delay, a second one of either at once."""

import asyncio
import signal
from collections.abc import Callable, Coroutine

LONGEST_CANCEL = 1.0
"""Seconds for work that was cancelled to clean up after itself."""


class Shutdown:
    """Whether the program is to stop, and how soon."""

    def __init__(self, delay: float) -> None:
        """`delay`: seconds for which clients are still accepted after SIGTERM."""
        self.delay = 0.0
        """Seconds to keep accepting; known once the shutdown was requested."""
        self._delay_after_sigterm = delay
        self._requested = asyncio.Event()
        self._at_once = asyncio.Event()

        self.on_hangup: Callable[[], None] = lambda: None
        """What SIGHUP calls. Nothing before there is something to read again: the start reads it anyway."""

    def follow_signals(self) -> None:
        """React to SIGTERM, SIGINT and SIGHUP; needs a running loop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # On the loop, so that no signal interrupts a step of the program half done.
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, lambda: self.on_hangup())  # noqa: PLW0108 - it is set later

    def is_requested(self) -> bool:
        """Whether a signal has come."""
        return self._requested.is_set()

    async def wait(self) -> None:
        """Return at the first signal."""
        await self._requested.wait()

    async def unless_requested(self, work: Coroutine[None, None, None]) -> None:
        """Do the work, but cancel it at the first signal. Raises what the work raises."""
        await _unless(self._requested, work)

    async def unless_at_once(self, work: Coroutine[None, None, None]) -> None:
        """Do the work, but cancel it at the second signal. Raises what the work raises."""
        await _unless(self._at_once, work)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._requested.is_set():
            self._at_once.set()
        elif number == signal.SIGTERM:
            # Kubernetes sends it before every node has learned that the pod is no longer an endpoint
            # (kubernetes#43576): clients keep coming. SIGINT comes from a terminal, where nothing sends more.
            self.delay = self._delay_after_sigterm
        self._requested.set()


async def _unless(event: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    working, impatient = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    await asyncio.wait({working, impatient}, return_when=asyncio.FIRST_COMPLETED)
    impatient.cancel()
    if working.done():
        working.result()
    else:
        working.cancel()
        await asyncio.wait({working}, timeout=LONGEST_CANCEL)
