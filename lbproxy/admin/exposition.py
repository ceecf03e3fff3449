"""`/metrics` as text: written in slices on the event loop, once for all clients that ask at the same time."""

import asyncio
import gzip
import re
from collections.abc import Iterable
from functools import partial

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, disable_created_metrics, exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

from lbproxy.admin.api.program_status import ProgramStatus
from lbproxy.admin.metrics import TableMetrics
from lbproxy.admin.rendering import SharedWork, in_slices

OPENMETRICS = "application/openmetrics-text"
CLASSIC = "text/plain; version=0.0.4; charset=utf-8"
COMPRESSION_LEVEL = 1
"""Of gzip, 1 to 9. The text repeats itself so much that higher levels gain little and take far longer."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types here; halves our series

_END = b"# EOF\n"
_REFUSED = re.compile(r";\s*q=0(\.0*)?\s*$")


class Exposition:
    """Writes one registry and the program's table in Prometheus' text format or in OpenMetrics 1.0."""

    def __init__(self, registry: CollectorRegistry, status: ProgramStatus) -> None:
        self._registry, self._table = registry, TableMetrics(status)
        self._turn, self._shared = asyncio.Lock(), SharedWork()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer in OpenMetrics if the client accepts it, else in Prometheus' text format; with gzip if accepted."""
        is_open = accepts(request, hdrs.ACCEPT, OPENMETRICS)
        headers = {hdrs.CONTENT_TYPE: openmetrics.CONTENT_TYPE_LATEST if is_open else CLASSIC}
        if accepts(request, hdrs.ACCEPT_ENCODING, "gzip"):
            headers[hdrs.CONTENT_ENCODING] = "gzip"
            body = await self._shared.get(("gzip", is_open), partial(self._compressed, is_open=is_open))
        else:
            body = await self._plain(is_open=is_open)
        return web.Response(body=body, headers=headers)

    async def _compressed(self, *, is_open: bool) -> bytes:
        body = await self._plain(is_open=is_open)
        return await asyncio.to_thread(gzip.compress, body, COMPRESSION_LEVEL)

    async def _plain(self, *, is_open: bool) -> bytes:
        return await self._shared.get(("plain", is_open), partial(self._written, is_open=is_open))

    async def _written(self, *, is_open: bool) -> bytes:
        write = _open if is_open else exposition.generate_latest
        async with self._turn:  # one text in memory at a time, whatever formats are asked for
            # Each family ends with `# EOF` in OpenMetrics; it is cut off there, and stands once at the end.
            own = b"".join([write(_One(family)) for family in self._registry.collect()])
            return own + await in_slices(self._table.pieces(is_open=is_open)) + _END * is_open


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
