"""What watches need of an API server, and every way in which that fails.

Free of the client library: importing kubernetes_asyncio takes half a second, so only `api` and `credentials` do it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from lbproxy.model.errors import LbproxyError

ORDINARY = frozenset({"expired", "stalled", "timer"})
"""Reasons for a new list that a healthy cluster gives too.

A Kubernetes 1.36 API server answered every resume across its own restart with 410, even for the newest version.
"""


class ApiConnection(Protocol):
    """A connection to one API server. Every method raises `ApiError`; none of its texts holds anything secret."""

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        """Return the whole body of the answer, after at most 60 seconds."""

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open an endless answer. The iterator yields its bytes as they arrive, cut anywhere, not by lines.

        A server that says nothing for 90 seconds raises `StalledError`. Leaving the context closes the connection.
        """

    async def close(self) -> None:
        """Close all connections; requests that still run fail."""


class ApiError(LbproxyError):
    """A request failed; a later attempt may succeed. What was published before stays.

    The type says how to go on: resume the watch, or list anew (`RelistError`).
    """

    retry_after: float = 0.0
    """Seconds to wait before the next attempt, as the server asked (Retry-After); 0: it did not ask."""


class ApiUnreachableError(ApiError):
    """There was no connection, or it broke, or no answer came in time. A watch may be resumed."""


class ApiRefusedError(ApiError):
    """The server answered with an HTTP status other than 200, 201 and 410. A watch may be resumed."""

    def __init__(self, text: str, status: int, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.status, self.retry_after = status, retry_after


class RelistError(ApiError):
    """The watch can't be resumed without missing changes: a new list is needed.

    `reason` is one word, the label of `lbproxy_watch_relists_total`.
    """

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason

    @property
    def is_ordinary(self) -> bool:
        """Whether a healthy cluster causes this too, so that it is not reported as a failure."""
        return self.reason in ORDINARY


class StalledError(RelistError):
    """Nothing came for longer than a living watch is silent: the connection may be half-open, or the server paused."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "stalled")


class GarbledError(RelistError):
    """The answer is not JSON, or not of the types that the API documents."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "garbled")


class ExpiredError(RelistError):
    """The server no longer knows the version to resume from: HTTP 410, or a 410 in an ERROR event inside a 200."""

    def __init__(self) -> None:
        super().__init__("the resource version has expired", "expired")


class RestoredError(RelistError):
    """The API server went back to an older state, as after its etcd was restored from a backup."""

    def __init__(self) -> None:
        super().__init__("the API server went back to an older state", "restored")
