"""One name, looked up again and again: what it has, which only an answer with addresses replaces."""

import asyncio
import ipaddress
import random
from collections.abc import Callable
from typing import Protocol

import structlog

from lbproxy.sources.dns.answer import MAX_RECORDS, Answer, DnsError, DnsRecord, EmptyAnswerError
from lbproxy.sources.dns.metrics import NameMetrics

SHORTEST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds between two lookups, by TTL: a TTL of 0 must be no flood, and one of a week no stale backend for a week."""
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0
"""Seconds until a failed lookup is tried again, doubled each time."""
JITTER = 0.1
"""By this share waits are longer, by chance: names that were asked at once are not asked at once for ever."""
LOGGED_REASONS = 5
"""Reasons in one log line why records are not used."""

log = structlog.get_logger()


class NameLookup(Protocol):
    """What asks DNS servers for a name."""

    async def lookup(self, name: str) -> Answer:
        """Return what a name has; raise `DnsError`. Takes a limited time."""


class NameWatch:
    """Follows one name. `interval`: seconds between two lookups; 0: by TTL."""

    def __init__(self, name: str, interval: float) -> None:
        self.name = name
        self.records: tuple[DnsRecord, ...] | None = None
        """None: no address was ever learned."""
        self.trouble = ""
        """Why the last lookup gave nothing, or not all; empty: it did."""
        self.is_answered = False
        """A server has said what the name has, if only that it has nothing."""
        self._interval = interval
        self._skipped: tuple[str, ...] = ()
        self._retry = FIRST_RETRY
        self._log = log.bind(name=name)

    async def run(self, client: NameLookup, metrics: NameMetrics, on_change: Callable[[], None]) -> None:
        """Look up until cancelled; call `on_change` after each change."""
        while True:
            before = self.records, self.is_answered
            wait = await self._look(client, metrics)
            if (self.records, self.is_answered) != before:
                on_change()
            await asyncio.sleep(wait * random.uniform(1, 1 + JITTER))  # noqa: S311 - no secret

    async def _look(self, client: NameLookup, metrics: NameMetrics) -> float:
        """Look up once, and return the seconds until the next time."""
        try:
            answer = await client.lookup(self.name)
        except DnsError as error:
            metrics.count(error.result)
            # An empty answer ends the wait for readiness: a name that does not exist yet must not delay a start.
            self.is_answered |= isinstance(error, EmptyAnswerError)
            self._report(str(error), "name can't be resolved, keeping its last known addresses")
            self._retry, retry = min(2 * self._retry, LONGEST_RETRY), self._retry
            # With an interval of the operator's there is no back-off: it asked for exactly this.
            return self._interval or retry
        metrics.count("answered")
        self._take(answer)
        self._retry = FIRST_RETRY
        return self._interval or min(max(answer.ttl, SHORTEST_WAIT), LONGEST_WAIT)

    def _take(self, answer: Answer) -> None:
        # If only AAAA failed, the IPv6 addresses stay as they were, while those of IPv4 follow the answer.
        kept = [one for one in self.records or () if _version(one) in answer.missing_versions]
        records = sorted({*answer.records, *kept})
        skipped = answer.skipped
        if len(records) > MAX_RECORDS:
            skipped = (*skipped, f"it has {len(records)} addresses, of which the first {MAX_RECORDS} are used")
        self.records, self.is_answered = tuple(records[:MAX_RECORDS]), True
        self._report(answer.trouble, "name is resolved in part, keeping the last known addresses of the other part")
        if skipped and skipped != self._skipped:
            self._log.warning("parts of the answer are ignored", count=len(skipped),
                              reasons=list(skipped[:LOGGED_REASONS]))
        self._skipped = skipped

    def _report(self, trouble: str, event: str) -> None:
        """Log a trouble once, and its end."""
        if trouble and trouble != self.trouble:
            self._log.error(event, error=trouble)
        elif self.trouble and not trouble:
            self._log.info("name is resolved again")
        self.trouble = trouble


def _version(record: DnsRecord) -> int:
    return ipaddress.ip_address(record.host).version
