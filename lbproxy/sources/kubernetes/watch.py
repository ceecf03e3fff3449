"""The objects of a collection, all at first and then each change, for ever: list, watch, resume, list again.

Three generators in each other, each with one failure to deal with: a request that breaks is resumed (`_resumed`), a
watch that can't be is listed anew (`_followed`), and a list that fails is tried again. No failure yields anything.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from time import monotonic

from lbproxy.sources.kubernetes.answers import Listing, Page, WatchEvent, read_event, read_page
from lbproxy.sources.kubernetes.backoff import Backoff
from lbproxy.sources.kubernetes.collection import Collection
from lbproxy.sources.kubernetes.condition import Condition
from lbproxy.sources.kubernetes.connection import ApiConnection
from lbproxy.sources.kubernetes.failures import ApiError, ApiRefusedError, ApiUnreachableError, RelistError
from lbproxy.sources.kubernetes.fields import Fields
from lbproxy.sources.kubernetes.lines import lines

PAGE_SIZE = 500
WATCH_SECONDS = (300, 600)
"""How long the server keeps one watch open; by chance, so that not all clients come back at once."""
RELIST_INTERVAL = 900.0
"""Seconds after which the end of a watch leads to a list: a watch from a future version is silent for ever."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 30.0
"""Seconds between two attempts."""
SETTLED = 10.0
"""Seconds a watch must have lived for the next wait to be a short one again."""


class Watch:
    """One collection, followed."""

    def __init__(self, api: ApiConnection, collection: Collection, condition: Condition) -> None:
        self._api, self._collection, self._condition = api, collection, condition
        self._failing = Backoff(FIRST_WAIT, LONGEST_WAIT)
        """For requests that the server does not answer."""
        self._churning = Backoff(FIRST_WAIT, LONGEST_WAIT)
        """For watches that end soon after they began."""
        self._is_open = False
        self._version = ""

    async def changes(self) -> AsyncGenerator[Listing | WatchEvent]:
        """Yield the complete set, then each change to it, until closed; never because of an error.

        A change may be followed by a complete set again: what is not in it is gone.
        """
        reason = "start"
        while True:
            try:
                async with aclosing(self._followed(reason)) as changes:
                    async for change in changes:
                        yield change
            except RelistError as error:
                reason = error.reason
                await self._pause(error, "watch")

    async def _followed(self, reason: str) -> AsyncGenerator[Listing | WatchEvent]:
        """List once, then follow: ends only by `RelistError`."""
        yield Listing(await self._listed(reason))
        async with aclosing(self._resumed(monotonic() + RELIST_INTERVAL)) as events:
            async for event in events:
                yield event

    async def _resumed(self, list_at: float) -> AsyncGenerator[WatchEvent]:
        """Give the changes of one watch after another; a request that breaks or ends is resumed."""
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
        raise RelistError("time for a list", "timer")

    async def _events(self) -> AsyncGenerator[WatchEvent]:
        """Give the changes of one request, until it ends or fails."""
        query = self._query(watch="true", allowWatchBookmarks="true", resourceVersion=self._version,
                            timeoutSeconds=str(random.randint(*WATCH_SECONDS)))  # noqa: S311 - no secret
        async with self._api.stream(self._collection.path, query) as chunks:
            self._succeed()
            async for line in lines(chunks):
                event = read_event(line)
                self._version = event.version
                self._condition.hear()
                if event.kind != "BOOKMARK":
                    yield event

    async def _listed(self, reason: str) -> dict[str, Fields]:
        """List until it works."""
        while True:
            self._condition.relist(reason)
            try:
                objects = await self._pages()
            except ApiError as error:
                await self._pause(error, "list")
            else:
                self._succeed()
                return objects

    async def _pages(self) -> dict[str, Fields]:
        objects: dict[str, Fields] = {}
        page = await self._page("")
        objects.update(page.items)
        while page.continuation:
            page = await self._page(page.continuation)
            objects.update(page.items)
        self._version = page.version
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
        self._condition.fine()

    async def _pause(self, error: ApiError | None, verb: str) -> None:
        """Wait before the next attempt. An expired version is an ordinary event and no trouble."""
        if error is not None and not (isinstance(error, RelistError) and error.is_ordinary):
            self._condition.fail(self._words(error, verb))
        backoff = self._churning if self._is_open or isinstance(error, RelistError) else self._failing
        self._is_open = False
        await asyncio.sleep(backoff.delay(error.retry_after if error else 0.0))

    def _words(self, error: ApiError, verb: str) -> str:
        if isinstance(error, ApiRefusedError) and error.status == HTTPStatus.FORBIDDEN:
            return self._collection.forbidden(verb)
        return str(error)
