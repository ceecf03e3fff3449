"""Clients that come and go without pause."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lbproxy.model.address import Address
from tests.support.patience import PATIENCE
from tests.support.peers import REFUSALS, Client


class Load:
    """What became of them."""

    def __init__(self) -> None:
        self.served = 0
        self.refused = 0
        """Got no connection: nobody listened."""
        self.lost = 0
        """Got a connection and lost it."""

    async def visit(self, address: Address) -> None:
        """Connect, ask, leave; again and again."""
        while True:
            try:
                client = await Client.connect(address)
            except REFUSALS:
                self.refused += 1
                continue
            try:
                await client.ask()
                await client.finish()  # else lbproxy may still have it, and count it, when the next one comes
                self.served += 1
            except REFUSALS:
                self.lost += 1
            finally:
                client.close()

    async def more(self, count: int) -> None:
        """Wait until so many more were served."""
        target = self.served + count
        async with asyncio.timeout(PATIENCE):
            while self.served < target:  # noqa: ASYNC110 - counted by others
                await asyncio.sleep(0.005)


@asynccontextmanager
async def load(address: Address, clients: int) -> AsyncIterator[Load]:
    """So many at a time, while the block runs."""
    seen = Load()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(seen.visit(address)) for _ in range(clients)]
        yield seen
        for task in tasks:
            task.cancel()
