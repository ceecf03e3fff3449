"""What holds for every answer: its headers, a limit on the time that sending takes, and errors that tell no details.

A client may be hostile, so an exception's text and traceback go to the log only.
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
"""The Content-Security-Policy: nothing inline, nothing from other origins, no frames."""
HEADERS = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": POLICY,
           "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
           "Cross-Origin-Resource-Policy": "same-origin"}
"""Of every answer."""

log = structlog.get_logger("lbproxy.admin")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def send_response(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send what the handler gives, or one line about its error. A client that does not take it in time is reset."""
    response = await _response(request, handler)
    if response.prepared:  # a stream, which has sent its own headers, and ended
        return response
    response.headers.update(HEADERS)
    if request.transport is not None:
        await _send(request, response, request.transport)
    return response


async def _response(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except RequestRefusedError as error:
        return web.Response(status=error.status, text=f"{error.line}\n", headers=error.headers)
    except web.HTTPException as error:
        allowed = {hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else None
        return web.Response(status=error.status, text=f"{error.status} {error.reason}\n", headers=allowed)
    except Exception:
        log.exception("admin request failed", path=request.path)
        return web.Response(status=500, text="500 Internal Server Error\n")


async def _send(request: web.Request, response: web.StreamResponse, transport: asyncio.Transport) -> None:
    # Without a write buffer write_eof() waits until the kernel has all, so the timeout bounds how long we hold it.
    transport.set_write_buffer_limits(high=0)
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        reset_on_close(transport.get_extra_info("socket"))  # a close would keep the rest in the kernel for minutes
        transport.abort()
