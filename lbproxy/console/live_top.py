"""`lbproxy top`: redraws the state each second until Ctrl-C, and waits for an lbproxy that is away for a while."""

import time
from contextlib import suppress

from rich.console import Console, RenderableType
from rich.live import Live

from lbproxy.admin.schema import StateShape
from lbproxy.console.client import Client
from lbproxy.console.errors import AdminUnreachableError
from lbproxy.console.formatting import plain
from lbproxy.console.status_display import rates, top

INTERVAL = 1.0
"""Seconds between two answers."""
OTHER_LINES = 7
"""Lines of the screen that show no backend."""


def watch(client: Client, screen: Console) -> None:
    """Redraw until Ctrl-C. Raises `AdminUnreachableError` if the first request fails; later failures are only shown."""
    pictures = _Pictures(client, screen)
    # Outside of the screen: an error of the first request stays readable in the terminal.
    pictures.first()
    with suppress(KeyboardInterrupt), Live(console=screen, auto_refresh=False, screen=True) as live:
        while True:
            live.update(pictures.next(), refresh=True)
            # After each answer, not by the clock: a slow server is not asked faster than it answers.
            time.sleep(INTERVAL)


class _Pictures:
    """Draws each answer with the rates since the one before."""

    def __init__(self, client: Client, screen: Console) -> None:
        self._client, self._screen = client, screen
        self._before: StateShape | None = None
        self._read_at = 0.0

    def first(self) -> StateShape:
        state: StateShape = self._client.get("/backends")
        self._before, self._read_at = state, time.monotonic()
        return state

    def next(self) -> RenderableType:
        before, read_at = self._before, self._read_at
        try:
            after = self.first()
        except AdminUnreachableError as error:
            self._before = None  # a restarted lbproxy counts from 0: no rates between the two
            return plain(str(error), "red")
        speeds = rates(before, after, self._read_at - read_at)
        return top(after, speeds, max(1, self._screen.height - OTHER_LINES))
