"""What watches need of an API server. Its implementation loads the client library, which takes half a second: later."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class ApiConnection(Protocol):
    """To one API server. Every failure is an `ApiError`; none of its texts holds anything secret."""

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        """Give the whole body of an answer."""

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open an answer that goes on; inside, its bytes as they come."""

    async def close(self) -> None:
        """End every request."""
