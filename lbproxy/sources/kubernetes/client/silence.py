"""How long a watch may say nothing."""

import asyncio
from collections.abc import AsyncIterator

from lbproxy.sources.kubernetes.client.api_connection import StalledError

LONGEST_QUIET = 100.0
"""Seconds without a whole event or bookmark. An API server sends a bookmark about every 60 seconds.

Bytes alone are no sign of life: a proxy that buffers passes parts of events on late, and may send blanks meanwhile.
"""


async def timely(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield these lines. Raises `StalledError` when the next one takes longer than 100 seconds."""
    while True:
        try:
            async with asyncio.timeout(LONGEST_QUIET):
                line = await anext(lines)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise StalledError(f"no event and no bookmark came for {LONGEST_QUIET:g} seconds") from None
        yield line
