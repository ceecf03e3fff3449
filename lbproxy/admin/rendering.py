"""Long answers, made so that nothing else waits: in slices on the event loop, once for all clients that ask meanwhile.

A scrape of 10,000 backends is 10 MB of text. Made in one go it would hold up `/healthz`; made once more for each
client, a few impatient scrapers would keep the process busy for minutes.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable, Iterator
from time import monotonic
from typing import Any

from lbproxy.admin.state import BackendRow, ServiceRow, grouped, rows_of
from lbproxy.model.snapshot import Snapshot
from lbproxy.model.stats import Stats

SLICE = 0.005
"""Seconds of work between two turns of everything else on the loop."""


class SharedWork:
    """Makes each answer once for all who ask for it at the same time, and stops when they have all gone away."""

    def __init__(self) -> None:
        self._running: dict[Hashable, _Work] = {}

    async def get(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        """Give the answer that is being made under this key; if there is none, have it made. Raises what `make` raises.

        What it gives was read at most as long ago as making it takes.
        """
        work = self._running.get(key)
        if work is None:
            work = self._running[key] = _Work(asyncio.create_task(make(), name=f"admin answer {key}"))
        work.clients += 1
        try:
            return await asyncio.shield(work.task)
        finally:
            work.clients -= 1
            if work.task.done() or not work.clients:
                work.task.cancel()
                if self._running.get(key) is work:
                    del self._running[key]


class _Work:
    def __init__(self, task: asyncio.Task[bytes]) -> None:
        self.task, self.clients = task, 0


async def in_slices(pieces: Iterable[str]) -> bytes:
    """Join the pieces as UTF-8. Each should take far less than SLICE to make; an empty one is only a pause."""
    made: list[bytes] = []
    due = monotonic() + SLICE
    for piece in pieces:
        if piece:
            made.append(piece.encode())
        if monotonic() >= due:
            await asyncio.sleep(0)
            due = monotonic() + SLICE
    return b"".join(made)


async def join_in_slices(snapshot: Snapshot | None, stats: Stats) -> tuple[ServiceRow, ...]:
    """Give what `state.join` gives."""
    joined: list[tuple[ServiceRow, BackendRow | None]] = []

    def read() -> Iterator[str]:
        for row in rows_of(snapshot, stats):
            joined.append(row)
            yield ""

    await in_slices(read())
    return grouped(joined)
