"""Doing something regularly until it is over: the only clock of the demo."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress


async def paced(interval: float, over: asyncio.Event) -> AsyncIterator[int]:
    """Count from 0, one step every `interval` seconds on average, until `over` is set."""
    start, step = asyncio.get_running_loop().time(), 0
    while not over.is_set():
        yield step
        step += 1
        await pause(start + step * interval, over)


async def pause(until: float, over: asyncio.Event) -> bool:
    """Wait for a moment of the loop's clock, and say whether it came; False: it was over before."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            await over.wait()
    return not over.is_set()
