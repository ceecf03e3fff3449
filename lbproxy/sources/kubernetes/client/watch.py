"""The objects of a collection, first all of them and then each change, for ever: list, watch, resume, list again.

Three nested generators, each with one failure to deal with: a request that breaks is resumed (`_resumed`), a watch that
can't be resumed is listed anew (`_listed_and_followed`), and a list that fails is tried again. No failure yields
anything, so that an outage of the API server changes nothing.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic

from lbproxy.sources.kubernetes.client.answers import Listing, WatchEvent, lines, read_event, read_page
from lbproxy.sources.kubernetes.client.api_connection import (
    ApiConnection,
    ApiError,
    ApiRefusedError,
    ApiUnreachableError,
    ExpiredError,
    GarbledError,
    RelistError,
    RestoredError,
)
from lbproxy.sources.kubernetes.client.collection import Collection
from lbproxy.sources.kubernetes.client.silence import timely
from lbproxy.sources.kubernetes.client.versions import VersionHistory
from lbproxy.sources.kubernetes.fields import Fields
from lbproxy.sources.kubernetes.metrics import WatchStatus

PAGE_SIZE = 500
"""Objects per page of a list; kubectl and client-go use the same."""
LARGEST_PAGE_SIZE = 1_000_000
"""Objects per page after lists that expired between two pages: all in one, as client-go falls back to."""
MAX_PAGES = 1000
"""Pages of one list: half a million objects."""
LARGEST_LIST = 64 << 20
"""Bytes of all pages, unpacked: some 200,000 endpoints."""
LONGEST_LIST = 300.0
"""Seconds for all pages. etcd forgets the version that they are of after five minutes by default."""
FRUITLESS = 3
"""Lists in a row that were needed though the watches before brought nothing: then even an ordinary reason is a failure.

A healthy cluster gives one or two, as when its API server is restarted.
"""
WATCH_SECONDS = (300, 600)
"""How long the server keeps one watch open; random, so that not all clients come back at once."""
RELIST_INTERVAL = 900.0
"""Seconds after which the end of a watch leads to a list, which notices whatever events and bookmarks did not."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 30.0
"""Seconds between two attempts."""
LONGEST_RETRY_AFTER = 300.0
"""Seconds; a server that asks for a longer wait (Retry-After) is asked again after this."""
SETTLED = 10.0
"""Seconds a watch must have lived for the next wait to be a short one again."""


@dataclass(slots=True)
class Backoff:
    """Waits that grow: `first` seconds, then twice as long each time, up to `longest`.

    Each is shortened at random by up to half, so that clients which failed together do not return together.
    """

    first: float
    longest: float
    _next: float = 0.0

    def reset(self) -> None:
        """Start again with `first`."""
        self._next = 0.0

    def delay(self, at_least: float = 0.0) -> float:
        """Return the seconds to wait now; `at_least` is what the server asked for."""
        self._next = min(2 * self._next, self.longest) or self.first
        jittered = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return max(jittered, min(at_least, LONGEST_RETRY_AFTER))


class Watch:
    """Follows one collection; reports to `status` how that goes.

    `on_restored` is called when a list shows that the API server has gone back to an older state: what other watches
    know may be of its future.
    """

    def __init__(self, api: ApiConnection, collection: Collection, status: WatchStatus,
                 on_restored: Callable[[], None] = lambda: None) -> None:
        self._api, self._collection, self._status, self._on_restored = api, collection, status, on_restored
        # Two, because a server can answer every request and still end every watch at once: an answer alone must not
        # make the next wait a short one.
        self._failing = Backoff(FIRST_WAIT, LONGEST_WAIT)
        """For requests that are not answered, or refused."""
        self._churning = Backoff(FIRST_WAIT, LONGEST_WAIT)
        """For watches that end soon after they began."""
        self._is_open = False
        """The last request was answered."""
        self._versions = VersionHistory()
        self._expired_lists = 0
        """Lists in a row that expired before their last page."""
        self._fruitless = 0
        """Failures of an ordinary kind in a row, without an event or a bookmark between them."""

    async def changes(self, reason: str = "start") -> AsyncGenerator[Listing | WatchEvent]:
        """Yield the complete set, then each change to it, until closed; never raises because of an API error.

        A change may be followed by a complete set again: what is not in it no longer exists. `reason` says in one word
        why the first list is asked for.
        """
        while True:
            try:
                async with aclosing(self._listed_and_followed(reason)) as changes:
                    async for change in changes:
                        yield change
            except RelistError as error:
                reason = error.reason
                await self._pause(error, "watch")

    async def _listed_and_followed(self, reason: str) -> AsyncGenerator[Listing | WatchEvent]:
        """List once, then follow: ends only by `RelistError`."""
        yield Listing(await self._listed(reason))
        async with aclosing(self._resumed(monotonic() + RELIST_INTERVAL)) as events:
            async for event in events:
                yield event

    async def _resumed(self, list_at: float) -> AsyncGenerator[WatchEvent]:
        """Yield the changes of one watch after another; a request that breaks or ends is resumed."""
        while monotonic() < list_at:
            started = monotonic()
            ended: ApiError | None = None
            try:
                async with aclosing(self._events()) as events:
                    async for event in events:
                        yield event
            except (ApiUnreachableError, ApiRefusedError) as error:
                ended = error
            # By its age, not by an event: a watch that is cut after each event would come back at once for ever.
            if monotonic() - started >= SETTLED:
                self._churning.reset()
            await self._pause(ended, "watch")
        # Only between two requests: a watch that works is not cut for it, so the list may come later.
        raise RelistError("the periodic list is due", "timer")

    async def _events(self) -> AsyncGenerator[WatchEvent]:
        """Yield the changes of one request, until it ends or fails."""
        query = self._query(watch="true", allowWatchBookmarks="true", resourceVersion=self._versions.latest,
                            timeoutSeconds=str(random.randint(*WATCH_SECONDS)))  # noqa: S311 - no secret
        # With the version of our own list, so that events follow it without a gap. A watch without one would begin with
        # all objects as ADDED, and say nothing of those that were deleted meanwhile (WatchList, KEP-3157).
        async with self._api.stream(self._collection.path, query) as chunks:
            self._succeed()
            async for line in timely(lines(chunks)):
                event = read_event(line)
                is_bookmark = event.kind == "BOOKMARK"
                # Bookmarks count too: without them the version of a quiet collection expires. While nothing changes
                # anywhere, each has the same version as the one before.
                if not self._versions.advance(event.version, may_repeat=is_bookmark):
                    raise RestoredError
                self._hear()
                if not is_bookmark:
                    yield event

    async def _listed(self, reason: str) -> dict[str, Fields]:
        """List until it works."""
        while True:
            self._status.relisting(reason)
            try:
                objects = await self._pages()  # an empty list is an answer, and counts; a failed one does not
            except ApiError as error:
                self._expired_lists = self._expired_lists + 1 if isinstance(error, ExpiredError) else 0
                await self._pause(error, "list")
            else:
                self._expired_lists = 0
                self._succeed()
                return objects

    async def _pages(self) -> dict[str, Fields]:
        """List once, without a resourceVersion: a read from etcd itself, which can't be older than what we have."""
        objects: dict[str, Fields] = {}
        left, give_up_at = LARGEST_LIST, monotonic() + LONGEST_LIST
        continuation = ""
        for _ in range(MAX_PAGES):
            body = await self._api.get(self._collection.path, self._page_query(continuation))
            left -= len(body)
            if left < 0 or monotonic() > give_up_at:
                raise GarbledError(f"a list is over {LARGEST_LIST >> 20} MiB, or took over {LONGEST_LIST:g} seconds")
            page = read_page(body)
            objects.update(page.items)
            if not page.continuation:
                if self._versions.restart(page.version):
                    self._on_restored()
                return objects
            if page.continuation == continuation:
                break
            continuation = page.continuation
        raise GarbledError(f"a list does not end: its pages repeat, or are more than {MAX_PAGES}")

    def _page_query(self, continuation: str) -> dict[str, str]:
        size = PAGE_SIZE if self._expired_lists < 2 else LARGEST_PAGE_SIZE  # noqa: PLR2004 - one may expire by chance
        return self._query(limit=str(size), **({"continue": continuation} if continuation else {}))

    def _query(self, **parameters: str) -> dict[str, str]:
        selector = self._collection.selector
        return dict([selector] if selector else [], **parameters)

    def _succeed(self) -> None:
        self._is_open = True
        self._failing.reset()
        if self._fruitless < FRUITLESS:
            self._status.succeeded()

    def _hear(self) -> None:
        """Note that a watch brought something."""
        self._status.heard()
        if self._fruitless:
            self._fruitless = 0
            self._status.succeeded()

    async def _pause(self, error: ApiError | None, verb: str) -> None:
        """Wait before the next attempt. An expired version happens in a healthy cluster; only several are a failure."""
        if isinstance(error, RelistError) and error.is_ordinary:
            # The timer is ours: a list that it asks for says nothing about the server.
            self._fruitless += error.reason != "timer"
            if self._fruitless >= FRUITLESS:
                self._status.failed(_fruitless(error, verb))
        elif error is not None:
            self._status.failed(self._described(error, verb))
        # An answered request that still ended counts as churning; one that was not answered, as failing.
        backoff = self._churning if self._is_open or isinstance(error, RelistError) else self._failing
        self._is_open = False
        await asyncio.sleep(backoff.delay(error.retry_after if error else 0.0))

    def _described(self, error: ApiError, verb: str) -> str:
        if isinstance(error, ApiRefusedError) and error.status == HTTPStatus.FORBIDDEN:
            return self._collection.forbidden(verb)
        return str(error)


def _fruitless(error: RelistError, verb: str) -> str:
    if error.reason == "expired":
        return f"each {verb} ends with HTTP 410 (the resource version has expired)"
    return f"{error}, again and again; if a proxy leads to the API server, turn its buffering off"
