"""`/stream`: the live state as server-sent events, from one sampler that runs only while a page is open.

Each page has a short queue. A page that does not keep up loses its queue and gets the latest state as a whole, so a
slow page costs neither memory nor the other pages' time.
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
from lbproxy.admin.reading import ProgramReading
from lbproxy.admin.response_middleware import HEADERS, SEND_TIMEOUT
from lbproxy.admin.state import event_shape
from lbproxy.model.event_log import EventLog
from lbproxy.net.socket_options import reset_on_close

INTERVAL = 1.0
"""Seconds between two samples."""
LARGEST_SHARE = 0.05
"""The part of one CPU that sampling may take: with very many backends samples become rarer."""
LINGER = 30.0
"""Seconds that sampling goes on after the last page was closed, so that a reloaded page has curves without a gap."""
MOST_POINTS = 300
POINTS_IN_ALL = 200_000
"""Points that are kept: MOST_POINTS of each service, fewer if there are very many services."""
QUEUE = 8
"""Samples that wait for one page."""
MOST_SUBSCRIBERS = 200
"""Open pages. The rest of the server's MAX_CONNECTIONS stays free for probes and scrapers."""
HIGH_WATER = 64 * 1024
"""Bytes that may wait in our memory for one page."""

log = structlog.get_logger("lbproxy.admin")


async def stream(request: web.Request, live: "LiveStream") -> web.StreamResponse:
    """Send until the page is closed or does not read, or the admin server closes. Raises `RequestRefusedError`."""
    if len(live) >= MOST_SUBSCRIBERS:
        raise RequestRefusedError(503, f"{MOST_SUBSCRIBERS} pages are open, and no more are allowed; close some")
    response = web.StreamResponse(headers={**HEADERS, hdrs.CONTENT_TYPE: "text/event-stream"})
    # The head alone: a stream that never ends has no body to measure.
    if request.method == hdrs.METH_HEAD:
        return response
    transport = request.transport
    with live.subscribed() as subscriber:
        await response.prepare(request)
        if transport is not None:
            # write() waits above this, and so the timeout below notices a page that does not read.
            transport.set_write_buffer_limits(high=HIGH_WATER)
        try:
            while not subscriber.has_ended:
                # Outside the timeout: a quiet program has nothing to send, which is no fault of the page.
                message = await live.next(subscriber)
                async with asyncio.timeout(SEND_TIMEOUT):
                    await response.write(message)
        except TimeoutError:
            if transport is not None:
                reset_on_close(transport.get_extra_info("socket"))
                transport.abort()
        except ConnectionError:
            pass  # the page was closed
    return response


class Subscriber:
    """The queue of one open page."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self.is_behind = True
        """The page needs the whole state next."""
        self.has_ended = False

    def offer(self, message: bytes) -> None:
        """Queue a message. If too many wait already, drop them all: the whole state will replace them."""
        if len(self._messages) >= QUEUE:
            self._messages.clear()
            self.is_behind = True
        if not self.is_behind:
            self._messages.append(message)
        self._wake.set()

    def end(self) -> None:
        """Say that nothing more comes."""
        self.has_ended = True
        self._wake.set()

    async def wait(self) -> None:
        """Return when there is something to take, or nothing more comes."""
        while not (self._messages or self.is_behind or self.has_ended):
            self._wake.clear()
            await self._wake.wait()

    def take(self) -> bytes:
        """Take all messages that wait."""
        messages = b"".join(self._messages)
        self._messages.clear()
        return messages


class LiveStream:
    """Samples the program's status, and gives each subscriber the whole state and then what changes."""

    def __init__(self, status: ProgramStatus, event_log: EventLog) -> None:
        self._status, self._event_log = status, event_log
        self._subscribers: set[Subscriber] = set()
        self._curves: dict[str, deque[Point]] = {}
        self._latest: LiveSnapshot | None = None
        self._whole: bytes | None = None
        self._last_event = 0  # the number of the latest event that was sent
        # Fixed at start: with a clock that is set meanwhile, every row would seem to have changed.
        self._offset = time() - monotonic()
        self._left_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._sampled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._subscribers)

    @contextmanager
    def subscribed(self) -> Iterator[Subscriber]:
        """Sample for one more page while the block runs."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        if self._task is None or self._task.done():
            self._sampled.clear()
            self._task = asyncio.create_task(self._run(), name="live page")
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            self._left_at = monotonic()

    async def next(self, subscriber: Subscriber) -> bytes:
        """Wait for the next messages of this page; empty when nothing more comes."""
        await subscriber.wait()
        if subscriber.is_behind and not subscriber.has_ended:
            await self._sampled.wait()
            subscriber.take()
            subscriber.is_behind = False
            return self._whole_state()
        return subscriber.take()

    async def close(self) -> None:
        """End every page's stream, and the sampler."""
        for subscriber in self._subscribers:
            subscriber.end()
        if self._task is not None:
            self._task.cancel()
            # wait() and not `await`: a sampler that was cancelled or has failed must not raise here.
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._subscribers or monotonic() - self._left_at < LINGER:
                seconds = await self._sample()
                await asyncio.sleep(max(INTERVAL, seconds / LARGEST_SHARE))
        except Exception:
            # The pages see their streams end and connect again; without this they would wait for ever.
            log.exception("live page failed")
            for subscriber in self._subscribers:
                subscriber.end()

    async def _sample(self) -> float:
        """Take a sample, send what changed, and return the seconds of CPU time that the sample took."""
        reading = ProgramReading.of(self._status, monotonic())
        # CPU time and not wall time: on a busy machine samples would become rarer without taking more.
        after, seconds = await asyncio.to_thread(_timed, reading, self._offset)
        before, self._latest, self._whole = self._latest, after, None
        # After a longer gap a rate would be an average over it, shown as one second.
        is_next = before is not None and after.moment - before.moment < LINGER
        if before is not None and is_next and self._sampled.is_set():
            self._send_changes(before, after)
        self._last_event = self._event_log.latest
        self._sampled.set()
        return seconds

    def _send_changes(self, before: LiveSnapshot, after: LiveSnapshot) -> None:
        news = changes(before, after)
        new_points = points(before, after)
        self._extend_curves(new_points, after)
        for name, point in new_points.items():
            if not point.is_quiet:
                news["services"].setdefault(name, {})["point"] = point
        events = [event_shape(event) for event in self._event_log.since(self._last_event)]
        message = _message("change", {"time": after.time, "seconds": round(after.moment - before.moment, 3),
                                      **news, "events": events})
        for subscriber in self._subscribers:
            subscriber.offer(message)

    def _extend_curves(self, new: dict[str, Point], after: LiveSnapshot) -> None:
        length = min(MOST_POINTS, POINTS_IN_ALL // max(1, len(after.services)))
        for name in self._curves.keys() - after.services.keys():
            del self._curves[name]
        for name, point in new.items():
            curve = self._curves.setdefault(name, deque())
            curve.append(point)
            while len(curve) > length:
                curve.popleft()

    def _whole_state(self) -> bytes:
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
            "events": [event_shape(event) for event in self._event_log.since() if event.number <= self._last_event],
        }


def _timed(reading: ProgramReading, offset: float) -> tuple[LiveSnapshot, float]:
    began = thread_time()
    snapshot = live_snapshot(reading, offset)
    return snapshot, thread_time() - began


def _message(name: str, content: dict[str, Any]) -> bytes:
    """One server-sent event (HTML Standard, 9.2). JSON in ASCII has no line ends, which would end the event early."""
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()
