"""Resolves DNS names into the endpoints at their addresses."""

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Endpoint
from lbproxy.sources.base import Reference, Resolution
from lbproxy.sources.dns.metrics import DnsMetrics, NameMetrics
from lbproxy.sources.dns.name_watch import NameLookup, NameWatch
from lbproxy.sources.dns.reference import DnsName
from lbproxy.tasks import Restarter
from lbproxy.text.quoting import listed

NAMED_AT_MOST = 5
"""Names in one line."""
SHORTEST_INTERVAL = 0.1
"""Seconds: what is asked for below that would be a flood."""


class DnsResolver:
    """See `Resolver`. `interval`: seconds between two lookups of a name; 0: by the TTL of its records.

    `make_client` is called once, when the first name is wanted: its library takes 100 ms to load.
    """

    def __init__(self, make_client: Callable[[], NameLookup], metrics: DnsMetrics, interval: float = 0.0,
                 restarter: Restarter | None = None) -> None:
        self._restarter = restarter or Restarter()
        self._make_client, self._metrics = make_client, metrics
        self._interval = max(interval, SHORTEST_INTERVAL) if interval else 0.0
        self._watches: dict[str, NameWatch] = {}
        self._references: dict[Reference, DnsName] = {}
        self._resolutions: dict[Reference, tuple[object, str, Resolution]] = {}
        self._retargeted = asyncio.Event()

    def want(self, references: AbstractSet[Reference]) -> None:
        """See `Resolver`."""
        self._references = {one: one for one in references if isinstance(one, DnsName)}
        names = {one.name for one in self._references.values()}
        # By name, not by reference: several services at one name (with other ports or weights) share one lookup.
        self._watches = {name: self._watches.get(name) or NameWatch(name, self._interval) for name in sorted(names)}
        self._resolutions = {one: known for one, known in self._resolutions.items() if one in self._references}
        self._retargeted.set()

    def resolve(self, reference: Reference) -> Resolution | None:
        """See `Resolver`."""
        wanted = self._references.get(reference)
        if wanted is None:
            return None
        watch, known = self._watches[wanted.name], self._resolutions.get(wanted)
        if known is None or known[0] is not watch.records or known[1] != watch.trouble:
            known = self._resolutions[wanted] = watch.records, watch.trouble, _resolution(wanted, watch)
        return known[2]

    def waits_for(self) -> str:
        """See `Resolver`."""
        waiting = [name for name, watch in self._watches.items() if not watch.is_answered]
        return f"DNS has not answered yet for {listed(waiting[:NAMED_AT_MOST])}" if waiting else ""

    async def run(self, on_change: Callable[[], None]) -> None:
        """See `Resolver`."""
        self._retargeted.set()  # it may be called again after it has failed
        client: NameLookup | None = None
        running: dict[NameWatch, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                await self._retargeted.wait()
                self._retargeted.clear()
                wanted = set(self._watches.values())
                # A copy (set difference), as the loop pops from `running`.
                for watch in running.keys() - wanted:
                    running.pop(watch).cancel()
                # No client without a name: the library is not even loaded.
                if not wanted:
                    continue
                client = client or self._make_client()
                for watch in wanted - running.keys():
                    following = self._restarter.run("DNS name", partial(self._follow, watch, client, on_change))
                    running[watch] = group.create_task(following, name=f"dns {watch.name}")

    async def _follow(self, watch: NameWatch, client: NameLookup, on_change: Callable[[], None]) -> None:
        metrics = NameMetrics(self._metrics, watch.name)
        try:
            await watch.run(client, metrics, on_change)
        finally:
            if watch.name not in self._watches:  # else it was wanted again meanwhile, and has series of its own
                metrics.forget()


def _resolution(reference: DnsName, watch: NameWatch) -> Resolution:
    found: dict[Address, Endpoint] = {}
    for record in watch.records or ():
        address = Address(record.host, reference.port or record.port or 0)
        weight = next((one for one in (reference.weight, record.weight) if one is not None), 1)
        # The first wins: SRV records may name one host and port twice, with different weights.
        found.setdefault(address, Endpoint(address, weight, origin=str(reference)))
    return Resolution(tuple(found.values()), is_known=watch.records is not None, trouble=watch.trouble)
