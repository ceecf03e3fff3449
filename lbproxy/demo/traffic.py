"""Requests as clients would send them: many short ones and some slow ones, each on its own connection."""

import asyncio
from collections import Counter

import aiohttp

from lbproxy.demo.ticker import ticks

RATE = 50
"""Requests per second."""
SLOW_EVERY = 10
"""One request in so many is slow, so that there are always open connections to count."""
TIMEOUT = aiohttp.ClientTimeout(total=10)


class Traffic:
    """Sends requests to one URL, and counts the answers."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self._client, self._url = client, url
        self.answered: Counter[str] = Counter()
        """Complete answers, by the backend that gave them."""
        self.failures: Counter[str] = Counter()
        """Requests without a complete answer, by the error instead."""

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then wait for the answers that are still to come (10 seconds at most)."""
        async with asyncio.TaskGroup() as requests:
            async for number in ticks(1 / RATE, stop):
                path = "slow" if number % SLOW_EVERY == 0 else ""
                # Each request is a task, so that a slow answer does not lower the rate.
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
    """Return a client that opens a connection for each request, without a limit, and never through a proxy."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True), trust_env=False)
