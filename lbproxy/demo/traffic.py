"""Requests as clients would send them: many short ones and some slow ones, each on a connection of its own."""

import asyncio
from collections import Counter

import aiohttp

from lbproxy.demo.pace import paced

RATE = 50
"""Requests per second."""
SLOW_EVERY = 10
"""Every so many requests one takes long, so that connections are there to be counted."""
TIMEOUT = aiohttp.ClientTimeout(total=10)


class Traffic:
    """Sends requests to one URL, and counts what came back."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self._client, self._url = client, url
        self.answered: Counter[str] = Counter()
        """Complete answers, by the backend that gave them."""
        self.failures: Counter[str] = Counter()
        """Requests without a complete answer, by what happened instead."""

    async def run(self, over: asyncio.Event) -> None:
        """Send until it is over, then wait for the answers that are under way."""
        async with asyncio.TaskGroup() as requests:
            async for number in paced(1 / RATE, over):
                path = "slow" if number % SLOW_EVERY == 0 else ""
                requests.create_task(self._request(self._url + path), name="request")

    async def _request(self, url: str) -> None:
        try:
            async with self._client.get(url, timeout=TIMEOUT) as answer:
                await answer.read()
                answer.raise_for_status()
                self.answered[answer.headers.get("X-Backend", "unknown")] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failures[str(error) or type(error).__name__] += 1


def make_client() -> aiohttp.ClientSession:
    """Make a client that opens a connection for each request, as many as it takes."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True), trust_env=False)
