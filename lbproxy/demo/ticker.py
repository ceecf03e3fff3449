"""Steps at a regular interval until a stop event: the only timing of the demo."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress


async def ticks(interval: float, stop: asyncio.Event) -> AsyncIterator[int]:
    """Count from 0, one step every `interval` seconds, until `stop` is set.

    A late step does not delay those after it: the average holds.
    """
    start, step = asyncio.get_running_loop().time(), 0
    while not stop.is_set():
        yield step
        step += 1
        await wait_until(start + step * interval, stop)


async def wait_until(moment: float, stop: asyncio.Event) -> bool:
    """Wait for a moment of the loop's clock; True if it came, False if `stop` was set before."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(moment):
            await stop.wait()
    return not stop.is_set()
