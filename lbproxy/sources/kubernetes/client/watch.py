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

from lbproxy.sources.kubernetes.client.answers import Listing, Page, WatchEvent, lines, read_event, read_page
from lbproxy.sources.kubernetes.client.api_connection import (
    ApiConnection,
    ApiError,
    ApiRefusedError,
    ApiUnreachableError,
    RelistError,
    RestoredError,
)
from lbproxy.sources.kubernetes.client.collection import Collection
from lbproxy.sources.kubernetes.client.versions import VersionHistory
from lbproxy.sources.kubernetes.fields import Fields
from lbproxy.sources.kubernetes.metrics import WatchStatus

PAGE_SIZE = 500
"""Objects per page of a list; kubectl and client-go use the same."""
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
            if monotonic() - started >= SETTLED:
                self._churning.reset()
            await self._pause(ended, "watch")
        raise RelistError("the periodic list is due", "timer")

    async def _events(self) -> AsyncGenerator[WatchEvent]:
        """Yield the changes of one request, until it ends or fails."""
        query = self._query(watch="true", allowWatchBookmarks="true", resourceVersion=self._versions.latest,
                            timeoutSeconds=str(random.randint(*WATCH_SECONDS)))  # noqa: S311 - no secret
        # With the version of our own list, so that events follow it without a gap. A watch without one would begin with
        # all objects as ADDED, and say nothing of those that were deleted meanwhile (WatchList, KEP-3157).
        async with self._api.stream(self._collection.path, query) as chunks:
            self._succeed()
            async for line in lines(chunks):
                event = read_event(line)
                is_bookmark = event.kind == "BOOKMARK"
                # Bookmarks count too: without them the version of a quiet collection expires. While nothing changes
                # anywhere, each has the same version as the one before.
                if not self._versions.advance(event.version, may_repeat=is_bookmark):
                    raise RestoredError
                self._status.heard()
                if not is_bookmark:
                    yield event

    async def _listed(self, reason: str) -> dict[str, Fields]:
        """List until it works."""
        while True:
            self._status.relisting(reason)
            try:
                objects = await self._pages()  # an empty list is an answer, and counts; a failed one does not
            except ApiError as error:
                await self._pause(error, "list")
            else:
                self._succeed()
                return objects

    async def _pages(self) -> dict[str, Fields]:
        """List once, without a resourceVersion: a read from etcd itself, which can't be older than what we have."""
        objects: dict[str, Fields] = {}
        page = await self._page("")
        objects.update(page.items)
        while page.continuation:
            page = await self._page(page.continuation)
            objects.update(page.items)
        if self._versions.restart(page.version):
            self._on_restored()
        return objects

    async def _page(self, continuation: str) -> Page:
        query = self._query(limit=str(PAGE_SIZE), **({"continue": continuation} if continuation else {}))
        return read_page(await self._api.get(self._collection.path, query))

    def _query(self, **parameters: str) -> dict[str, str]:
        selector = self._collection.selector
        return dict([selector] if selector else [], **parameters)

    def _succeed(self) -> None:
        self._is_open = True
        self._failing.reset()
        self._status.succeeded()

    async def _pause(self, error: ApiError | None, verb: str) -> None:
        """Wait before the next attempt. An expired version happens in a healthy cluster and is no failure."""
        if error is not None and not (isinstance(error, RelistError) and error.is_ordinary):
            self._status.failed(self._described(error, verb))
        backoff = self._churning if self._is_open or isinstance(error, RelistError) else self._failing
        self._is_open = False
        await asyncio.sleep(backoff.delay(error.retry_after if error else 0.0))

    def _described(self, error: ApiError, verb: str) -> str:
        if isinstance(error, ApiRefusedError) and error.status == HTTPStatus.FORBIDDEN:
            return self._collection.forbidden(verb)
        return str(error)
