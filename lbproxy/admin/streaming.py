"""`/stream`: what open pages see, as server-sent events, for as long as they read them."""

import asyncio

from aiohttp import hdrs, web

from lbproxy.admin.answering import HEADERS, SEND_TIMEOUT
from lbproxy.admin.live import Live
from lbproxy.admin.refused import RequestRefusedError
from lbproxy.net.socket_options import reset_on_close

MOST_WATCHERS = 200
"""Open pages; beyond that probes and scrapers would find no connection any more."""
HIGH_WATER = 64 * 1024
"""Bytes that may wait in our memory for one page."""


async def stream(request: web.Request, live: Live) -> web.StreamResponse:
    """Send until the page is closed, does not read, or lbproxy ends."""
    if len(live) >= MOST_WATCHERS:
        raise RequestRefusedError(503, f"{MOST_WATCHERS} pages are open already; close some")
    response = web.StreamResponse(headers={**HEADERS, hdrs.CONTENT_TYPE: "text/event-stream"})
    if request.method == hdrs.METH_HEAD:
        return response
    transport = request.transport
    with live.watching() as watcher:
        await response.prepare(request)
        if transport is not None:
            transport.set_write_buffer_limits(high=HIGH_WATER)
        try:
            while not watcher.has_ended:
                message = await live.next(watcher)
                async with asyncio.timeout(SEND_TIMEOUT):
                    await response.write(message)
        except TimeoutError:
            if transport is not None:
                reset_on_close(transport.get_extra_info("socket"))
                transport.abort()
        except ConnectionError:
            pass  # the page was closed
    return response
