import asyncio
from collections.abc import Callable

from tests.support.patience import PATIENCE


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for a state that no event announces."""
    async with asyncio.timeout(PATIENCE):
        while not is_true():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)
