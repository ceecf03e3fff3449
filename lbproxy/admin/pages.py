"""What each path answers.

The program is asked on its event loop. JSON of many backends is written in slices: the loop goes on meanwhile.
"""

import re
from importlib.resources import files
from time import monotonic

from aiohttp import hdrs, web

from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.drain_handler import DrainHandler
from lbproxy.admin.explain_handler import ExplainHandler
from lbproxy.admin.exposition import Exposition, accepts
from lbproxy.admin.guard import RequestRefusedError
from lbproxy.admin.live import LiveStream, stream
from lbproxy.admin.openapi import document
from lbproxy.admin.reading import ProgramReading
from lbproxy.admin.rendering import SharedWork, in_slices
from lbproxy.admin.state import event_log_shape, json_bytes, state_pieces

INDEX = """\
lbproxy
/              this list; in a browser, the live page
/metrics       counters and gauges for Prometheus
/backends      every service and its backends, as JSON
/explain       why each backend gets connections or none, as JSON; ?service=NAME&backend=ADDRESS:PORT
/events        the last thousand changes, as JSON; ?since=NUMBER
/readyz        200 if new clients should come, else 503 and why not
/healthz       200 if this process is healthy, else 503 and why not
/openapi.json  a description of this API, with POST /drain and /undrain (lbproxy drain --help)
"""


_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FILES = {one.name: one.read_bytes() for one in (files("lbproxy.admin") / "page").iterdir()
          if one.name.rpartition(".")[2] in _TYPES}
"""The page's files by name, read once. A request names a key and never a path, so it can't leave the folder."""


class Pages:
    """The handlers for one program. `/backends` is written once for all clients that ask at the same time."""

    def __init__(self, context: AdminContext, live: LiveStream) -> None:
        self._context, self._live = context, live
        self._metrics = Exposition(context.registry, context.status)
        self._explain, self._orders = ExplainHandler(context), DrainHandler(context)
        self._shared = SharedWork()

    def routes(self) -> list[web.RouteDef]:
        """Give every path with its handler. Paths for reading take GET and HEAD; orders take POST."""
        return [
            web.get("/", self._index),
            web.get("/assets/{name}", self._page_file),
            web.get("/stream", self._stream),
            web.get("/metrics", self._metrics.answer),
            web.get("/backends", self._backends),
            web.get("/explain", self._explain.answer),
            web.get("/events", self._events),
            web.get("/openapi.json", self._openapi),
            web.get("/readyz", self._ready),
            web.get("/healthz", self._healthy),
            web.post("/drain", self._orders.drain),
            web.post("/undrain", self._orders.undrain),
        ]

    async def _index(self, request: web.Request) -> web.Response:
        response = _file("index.html") if accepts(request, hdrs.ACCEPT, "text/html") else web.Response(text=INDEX)
        response.headers[hdrs.VARY] = hdrs.ACCEPT  # a cache must not give a browser the list, nor curl the page
        return response

    async def _page_file(self, request: web.Request) -> web.Response:
        return _file(request.match_info["name"])

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await stream(request, self._live)

    async def _ready(self, _: web.Request) -> web.Response:
        return _verdict(self._context.status.why_not_ready())

    async def _healthy(self, _: web.Request) -> web.Response:
        return _verdict(self._context.status.why_not_healthy())

    async def _backends(self, _: web.Request) -> web.Response:
        body = await self._shared.get("backends", self._written)
        return web.Response(body=body, content_type="application/json")

    async def _written(self) -> bytes:
        return await in_slices(state_pieces(ProgramReading.of(self._context.status, monotonic())))

    async def _events(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not re.fullmatch("[0-9]{1,18}", since):  # int() alone takes signs, spaces and digits without end
            raise RequestRefusedError(400, "since: write the number of an event, such as /events?since=17")
        event_log = self._context.event_log
        # On the loop: at most a thousand events.
        body = json_bytes(event_log_shape(event_log.since(int(since)), event_log.latest))
        return web.Response(body=body, content_type="application/json")

    async def _openapi(self, _: web.Request) -> web.Response:
        return web.Response(body=document(), content_type="application/json")


def _verdict(objection: str | None) -> web.Response:
    return web.Response(text="ok\n") if objection is None else web.Response(status=503, text=f"{objection}\n")


def _file(name: str) -> web.Response:
    if name not in _FILES:
        raise web.HTTPNotFound
    kind = _TYPES[name.rpartition(".")[2]]
    return web.Response(body=_FILES[name], headers={hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8"})
