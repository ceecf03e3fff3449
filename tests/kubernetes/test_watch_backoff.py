"""How long a watch waits before it asks again: longer after each failure, short again after a success."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from itertools import count
from typing import TypeVar

import pytest
from prometheus_client import CollectorRegistry

from lbproxy.sources.kubernetes.client.api_connection import ApiUnreachableError
from lbproxy.sources.kubernetes.client.collection import slices_of
from lbproxy.sources.kubernetes.client.watch import FIRST_WAIT, SETTLED, Watch
from lbproxy.sources.kubernetes.metrics import WatchMetrics, WatchStatus

from .clock import Clock

T = TypeVar("T")
FAILURES = 6
LONG = 0.5 * FIRST_WAIT * 2 ** (FAILURES - 1)
"""The last of so many waits is at least this: each is twice the one before, less by up to half."""
EMPTY_LIST = b'{"metadata": {"resourceVersion": "1"}, "items": []}'
EVENT = '{"type": "MODIFIED", "object": {"metadata": {"name": "web-1", "resourceVersion": "%d"}}}\n'


class EndOfScriptError(Exception):
    """Everything that was to happen has happened."""


class ScriptedApi:
    """Answers as it is told: to each list `up` or `down`; to each watch `down`, or the seconds that it lives."""

    def __init__(self, clock: Clock, lists: list[str], watches: list[str | float]) -> None:
        self._clock, self._lists, self._watches = clock, iter(lists), iter(watches)
        self._versions = count(2)

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        assert path
        assert query["limit"]
        if self._next(self._lists) == "down":
            raise ApiUnreachableError("down")
        return EMPTY_LIST

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        assert path
        assert query["watch"]
        return self._streamed()

    @asynccontextmanager
    async def _streamed(self) -> AsyncIterator[AsyncIterator[bytes]]:
        lifetime = self._next(self._watches)
        if lifetime == "down":
            raise ApiUnreachableError("down")
        yield self._events(float(lifetime))

    async def _events(self, lifetime: float) -> AsyncIterator[bytes]:
        yield (EVENT % next(self._versions)).encode()
        self._clock.advance(lifetime)

    async def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _next(script: Iterator[T]) -> T:
        for item in script:
            return item
        raise EndOfScriptError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def waits(clock: Clock, lists: list[str], watches: list[str | float]) -> list[float]:
    """Follow until the script is over, and return each wait between two requests."""
    slices = slices_of("default", "web")
    status = WatchStatus(slices.subject, slices.resource, WatchMetrics(CollectorRegistry()))
    followed = Watch(ScriptedApi(clock, lists, watches), slices, status)
    async with aclosing(followed.changes()) as changes:
        with suppress(EndOfScriptError):
            async for _ in changes:
                pass
    return clock.waits


async def test_watches_that_end_at_once_are_resumed_after_longer_and_longer(clock: Clock) -> None:
    first, *_, last = await waits(clock, ["up"], [0.0] * FAILURES)
    assert first <= FIRST_WAIT
    assert last >= LONG


async def test_watch_that_lived_for_a_while_is_resumed_soon_though_many_before_it_ended_at_once(clock: Clock) -> None:
    found = await waits(clock, ["up"], [*[0.0] * FAILURES, SETTLED, 0.0])
    assert found[FAILURES - 1] >= LONG
    assert found[FAILURES] <= FIRST_WAIT
    assert found[FAILURES + 1] <= 2 * FIRST_WAIT


async def test_watch_that_ends_a_little_too_soon_does_not_shorten_the_next_wait(clock: Clock) -> None:
    *_, last = await waits(clock, ["up"], [*[0.0] * FAILURES, 0.9 * SETTLED])
    assert last >= LONG


async def test_list_that_works_shortens_the_wait_after_the_next_failure(clock: Clock) -> None:
    found = await waits(clock, [*["down"] * FAILURES, "up"], ["down", "down"])
    assert found[FAILURES - 1] >= LONG
    after_the_list, after_the_failure = found[FAILURES:]
    assert after_the_list <= FIRST_WAIT
    assert after_the_failure <= FIRST_WAIT


async def test_watch_that_is_answered_shortens_the_wait_after_the_next_failure(clock: Clock) -> None:
    found = await waits(clock, ["up"], [*["down"] * (FAILURES + 1), SETTLED, "down"])
    assert found[FAILURES] >= LONG
    assert found[-1] <= FIRST_WAIT
