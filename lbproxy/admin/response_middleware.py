"""What holds for every answer: its headers, how long it may take to send, and that no error tells more than its name.

Whoever asks may be hostile.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import hdrs, web

from lbproxy.admin.guard import RequestRefusedError
from lbproxy.net.socket_options import reset_on_close

SEND_TIMEOUT = 15.0
"""Seconds in which a client must have taken an answer; the largest is some 10 MB (10,000 backends)."""
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
"""Of our own page only: nothing inline, nothing from elsewhere, in nobody's frame."""
HEADERS = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": POLICY,
           "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
           "Cross-Origin-Resource-Policy": "same-origin"}

log = structlog.get_logger("lbproxy.admin")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def send_response(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with the page or with one line about the error, and cut off a client that does not take it."""
    response = await _response(request, handler)
    if response.prepared:  # a stream, which has sent its own headers, and ended
        return response
    response.headers.update(HEADERS)
    if request.transport is not None:
        await _send(request, response, request.transport)
    return response


async def _response(request: web.Request, page: Handler) -> web.StreamResponse:
    try:
        return await page(request)
    except RequestRefusedError as error:
        return web.Response(status=error.status, text=f"{error.line}\n", headers=error.headers)
    except web.HTTPException as error:
        allowed = {hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else None
        return web.Response(status=error.status, text=f"{error.status} {error.reason}\n", headers=allowed)
    except Exception:
        log.exception("admin request failed", path=request.path)
        return web.Response(status=500, text="500 Internal Server Error\n")


async def _send(request: web.Request, response: web.StreamResponse, transport: asyncio.Transport) -> None:
    transport.set_write_buffer_limits(high=0)  # sent means out of our memory: closing waits for nothing
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        reset_on_close(transport.get_extra_info("socket"))  # else the kernel would keep the rest for minutes
        transport.abort()
