"""What each path answers. Reading happens on the event loop; what takes long with many backends, in a thread."""

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry

from lbproxy.admin.exposition import Exposition
from lbproxy.admin.state import Now, to_json
from lbproxy.admin.view import View

INDEX = """\
lbproxy
/metrics    counters and gauges for Prometheus
/backends   every service and its backends, as JSON
/readyz     200 if new clients are welcome, else 503 and why not
/healthz    200 if this process is in order, else 503 and why not
"""


class Pages:
    """The answers about one view."""

    def __init__(self, view: View, registry: CollectorRegistry) -> None:
        self._view = view
        self._metrics = Exposition(registry)
        self._turn = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """Give every path; each answers to GET and HEAD."""
        return [
            web.get("/", self._index),
            web.get("/metrics", self._metrics.answer),
            web.get("/backends", self._backends),
            web.get("/readyz", self._ready),
            web.get("/healthz", self._healthy),
        ]

    async def _index(self, _: web.Request) -> web.Response:
        return web.Response(text=INDEX)

    async def _ready(self, _: web.Request) -> web.Response:
        return _verdict(self._view.why_not_ready())

    async def _healthy(self, _: web.Request) -> web.Response:
        return _verdict(self._view.why_not_healthy())

    async def _backends(self, _: web.Request) -> web.Response:
        async with self._turn:
            now = Now.read(asyncio.get_running_loop().time())
            body = await asyncio.to_thread(to_json, self._view.snapshot, self._view.stats(), now)
        return web.Response(body=body, content_type="application/json")


def _verdict(objection: str | None) -> web.Response:
    return web.Response(text="ok\n") if objection is None else web.Response(status=503, text=f"{objection}\n")
