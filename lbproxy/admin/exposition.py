"""`/metrics` as text: each family is collected on the event loop and written in a thread; one client at a time.

With 10,000 backends there are 120,000 lines, about a second's work. The program may only be asked on the event loop, so
families are made there, one by one, with time for other work in between. Writing takes four times as long, and the loop
goes on meanwhile.
"""

import asyncio
import gzip
import re
from collections.abc import Callable, Iterable

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, disable_created_metrics, exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

OPENMETRICS = "application/openmetrics-text"
CLASSIC = "text/plain; version=0.0.4; charset=utf-8"
COMPRESSION_LEVEL = 1
"""Of gzip, 1 to 9. The text repeats itself so much that higher levels gain little and take far longer."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types here; halves our series

_END = b"# EOF\n"
_REFUSED = re.compile(r";\s*q=0(\.0*)?\s*$")


class Exposition:
    """Writes one registry in Prometheus' text format or in OpenMetrics 1.0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._turn = asyncio.Lock()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer in OpenMetrics if the client accepts it, else in Prometheus' text format; with gzip if accepted."""
        is_open = accepts(request, hdrs.ACCEPT, OPENMETRICS)
        headers = {hdrs.CONTENT_TYPE: openmetrics.CONTENT_TYPE_LATEST if is_open else CLASSIC}
        async with self._turn:
            # Each family ends with `# EOF` in OpenMetrics; it is cut off there, and stands once at the end.
            body = await self._written(_open if is_open else exposition.generate_latest) + _END * is_open
            if accepts(request, hdrs.ACCEPT_ENCODING, "gzip"):
                headers[hdrs.CONTENT_ENCODING] = "gzip"
                body = await asyncio.to_thread(gzip.compress, body, COMPRESSION_LEVEL)
        return web.Response(body=body, headers=headers)

    async def _written(self, write: Callable[["_One"], bytes]) -> bytes:
        return b"".join([await asyncio.to_thread(write, _One(family)) for family in self._registry.collect()])


class _One:
    """A single family, as the collector that the library's writers take."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


def accepts(request: web.BaseRequest, header: str, name: str) -> bool:
    """Whether a header such as Accept lists a name without refusing it (`q=0`, RFC 9110, 12.4.2)."""
    offers = ",".join(request.headers.getall(header, ())).lower().split(",")
    return any(offer.split(";")[0].strip() == name and not _REFUSED.search(offer) for offer in offers)


def _open(one: _One) -> bytes:
    written: bytes = openmetrics.generate_latest(one)  # type: ignore[no-untyped-call]  # the library has no types here
    return written.removesuffix(_END)
