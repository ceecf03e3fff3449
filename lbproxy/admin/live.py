"""`/stream`: the live state as server-sent events, from one sampler that runs only while a page is open.

Each page has a short queue. A page that does not keep up loses its queue and gets the latest state as a whole.
"""

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, thread_time, time
from typing import Any

import structlog
from aiohttp import hdrs, web

from lbproxy.admin.api.program_status import ProgramStatus
from lbproxy.admin.guard import RequestRefusedError
from lbproxy.admin.live_snapshot import COLUMNS, LiveSnapshot, changes, live_snapshot, points, whole
from lbproxy.admin.rates import Point
from lbproxy.admin.response_middleware import HEADERS, SEND_TIMEOUT
from lbproxy.admin.schema import event_shape
from lbproxy.admin.state import ProgramReading
from lbproxy.model.event_log import EventLog
from lbproxy.net.socket_options import reset_on_close

INTERVAL = 1.0
"""Seconds between two samples."""
LARGEST_SHARE = 0.05
"""Of a CPU: with very many backends samples become rarer, so that they take no more than this."""
LINGER = 30.0
"""Seconds that sampling goes on when nobody looks any more: who reloads the page finds its curves whole."""
MOST_POINTS = 300
POINTS_IN_ALL = 200_000
"""Points that are kept: 300 of each service, fewer if there are very many services."""
QUEUE = 8
"""Samples that wait for a page."""

log = structlog.get_logger("lbproxy.admin")


class Watcher:
    """One open page's queue."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self.is_behind = True
        """It needs the whole state next."""
        self.has_ended = False

    def offer(self, message: bytes) -> None:
        """Queue a message, unless too many wait already: then the whole state replaces them all."""
        if len(self._messages) >= QUEUE:
            self._messages.clear()
            self.is_behind = True
        if not self.is_behind:
            self._messages.append(message)
        self._wake.set()

    def end(self) -> None:
        """Nothing more comes."""
        self.has_ended = True
        self._wake.set()

    async def wait(self) -> None:
        """Return when there is something to take, or it has ended."""
        while not (self._messages or self.is_behind or self.has_ended):
            self._wake.clear()
            await self._wake.wait()

    def take(self) -> bytes:
        """Everything that waits."""
        messages = b"".join(self._messages)
        self._messages.clear()
        return messages


class Live:
    """Samples the view for those who watch."""

    def __init__(self, status: ProgramStatus, event_log: EventLog) -> None:
        self._status, self._event_log = status, event_log
        self._watchers: set[Watcher] = set()
        self._curves: dict[str, deque[Point]] = {}
        self._latest: LiveSnapshot | None = None
        self._whole: bytes | None = None
        self._told = 0  # the number of the last event that was sent
        self._offset = time() - monotonic()
        self._left_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._sampled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._watchers)

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """Sample for one more page while the block runs."""
        watcher = Watcher()
        self._watchers.add(watcher)
        if self._task is None or self._task.done():
            self._sampled.clear()
            self._task = asyncio.create_task(self._run(), name="live page")
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            self._left_at = monotonic()

    async def next(self, watcher: Watcher) -> bytes:
        """Wait for what this page has to be told next; empty when nothing comes any more."""
        await watcher.wait()
        if watcher.is_behind and not watcher.has_ended:
            await self._sampled.wait()
            watcher.take()
            watcher.is_behind = False
            return self._everything()
        return watcher.take()

    async def close(self) -> None:
        """End every page's stream, and the sampler."""
        for watcher in self._watchers:
            watcher.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._watchers or monotonic() - self._left_at < LINGER:
                seconds = await self._sample()
                await asyncio.sleep(max(INTERVAL, seconds / LARGEST_SHARE))
        except Exception:
            log.exception("live page failed")
            for watcher in self._watchers:
                watcher.end()

    async def _sample(self) -> float:
        """Look, tell, and return how many seconds of a CPU the look took."""
        reading = ProgramReading.of(self._status, monotonic())
        after, seconds = await asyncio.to_thread(_timed, reading, self._offset)
        before, self._latest, self._whole = self._latest, after, None
        is_next = before is not None and after.moment - before.moment < LINGER
        if before is not None and is_next and self._sampled.is_set():
            self._tell(before, after)
        self._told = self._event_log.latest
        self._sampled.set()
        return seconds

    def _tell(self, before: LiveSnapshot, after: LiveSnapshot) -> None:
        news = changes(before, after)
        for name, point in self._grow(points(before, after), after).items():
            if not point.is_quiet:
                news["services"].setdefault(name, {})["point"] = point
        events = [event_shape(event) for event in self._event_log.since(self._told)]
        message = _message("change", {"time": after.time, "seconds": round(after.moment - before.moment, 3),
                                      **news, "events": events})
        for watcher in self._watchers:
            watcher.offer(message)

    def _grow(self, new: dict[str, Point], after: LiveSnapshot) -> dict[str, Point]:
        length = min(MOST_POINTS, POINTS_IN_ALL // max(1, len(after.services)))
        for name in self._curves.keys() - after.services.keys():
            del self._curves[name]
        for name, point in new.items():
            curve = self._curves.setdefault(name, deque())
            curve.append(point)
            while len(curve) > length:
                curve.popleft()
        return new

    def _everything(self) -> bytes:
        if self._whole is None and self._latest is not None:
            self._whole = _message("state", self._state(self._latest))
        return self._whole or b""

    def _state(self, latest: LiveSnapshot) -> dict[str, Any]:
        oldest = latest.time - 1000 * MOST_POINTS
        return {
            "time": latest.time, "columns": COLUMNS, "fields": Point._fields, "program": latest.program,
            "services": {name: {**whole(service), "curve": [one for one in self._curves.get(name, ())
                                                            if one.time >= oldest]}
                         for name, service in latest.services.items()},
            "events": [event_shape(event) for event in self._event_log.since() if event.number <= self._told],
        }


def _timed(reading: ProgramReading, offset: float) -> tuple[LiveSnapshot, float]:
    began = thread_time()
    seen = live_snapshot(reading, offset)
    return seen, thread_time() - began


def _message(name: str, content: dict[str, Any]) -> bytes:
    """One server-sent event (HTML Standard, 9.2); JSON in ASCII has no line ends that would cut it."""
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


MOST_WATCHERS = 200
"""Open pages; beyond that probes and scrapers would find no connection any more."""
HIGH_WATER = 64 * 1024
"""Bytes that may wait in our memory for one page."""


async def stream(request: web.Request, live: Live) -> web.StreamResponse:
    """Send until the page is closed, does not read, or lbproxy ends."""
    if len(live) >= MOST_WATCHERS:
        raise RequestRefusedError(503, f"{MOST_WATCHERS} pages are open already; close some")
    response = web.StreamResponse(headers={**HEADERS, hdrs.CONTENT_TYPE: "text/event-stream"})
    if request.method == hdrs.METH_HEAD:
        return response
    transport = request.transport
    with live.watching() as watcher:
        await response.prepare(request)
        if transport is not None:
            transport.set_write_buffer_limits(high=HIGH_WATER)
        try:
            while not watcher.has_ended:
                message = await live.next(watcher)
                async with asyncio.timeout(SEND_TIMEOUT):
                    await response.write(message)
        except TimeoutError:
            if transport is not None:
                reset_on_close(transport.get_extra_info("socket"))
                transport.abort()
        except ConnectionError:
            pass  # the page was closed
    return response
