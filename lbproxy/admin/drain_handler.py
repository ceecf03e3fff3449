"""`POST /drain` and `POST /undrain`: an operator's orders, read from JSON. A wrong one is refused with one line."""

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.guard import RequestRefusedError
from lbproxy.admin.schema import OrderedBackendShape, OrderedShape
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.text.quoting import closest, quoted

MAX_BODY = 16 * 1024
"""Bytes of an order's body."""
BODY_TIMEOUT = 5.0
"""Seconds in which the body of an order must arrive."""
LONGEST = 30 * 24 * 3600.0
"""Seconds, 30 days: the most that an order may name."""


class DrainTarget(BaseModel):
    """The backend that an order is about."""

    # A misspelt key must not be ignored: `deadline` instead of `deadline_seconds` would be a drain without a deadline.
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    backend: str = Field(min_length=1, max_length=100, examples=["192.0.2.1:80"])
    """`ADDRESS:PORT`, or an address alone for all its ports."""
    service: str | None = Field(None, max_length=253)
    """The service; without it, every service that has such a backend."""


class DrainRequest(DrainTarget):
    """An order to give a backend no new connections. Ordering again replaces the terms."""

    for_seconds: float | None = Field(None, gt=0, le=LONGEST, allow_inf_nan=False)
    """The order ends by itself after this many seconds; without it, `/undrain` ends it."""
    deadline_seconds: float | None = Field(None, ge=0, le=LONGEST, allow_inf_nan=False)
    """Connections that remain after this many seconds are reset; without it, they go on until they end."""


T = TypeVar("T", bound=DrainTarget)


class DrainHandler:
    """Passes orders on to the program. Raises `RequestRefusedError` for what it can't pass on."""

    def __init__(self, context: AdminContext) -> None:
        self._context = context

    async def drain(self, request: web.Request) -> web.Response:
        """Drain every backend that is meant, or replace the terms of its drain."""
        order = await _read(request, DrainRequest)
        # Only those that are in the snapshot: a mistyped backend is an error, and not an order that waits for one.
        keys = self._find(order)
        done = [key for key in keys if self._context.operator.drain(key, order.for_seconds, order.deadline_seconds)]
        return self._answer(done)

    async def undrain(self, request: web.Request) -> web.Response:
        """End every order that is meant, including those for backends that their source no longer lists."""
        order = await _read(request, DrainTarget)
        # From the orders and not the snapshot: an order for an absent backend must be possible to end.
        keys = [key for key in self._context.operator.drain_orders() if _is_meant(key, order)]
        if not keys:
            unknown = f"no drain is ordered for {quoted(order.backend)}; lbproxy status shows the drained backends"
            raise RequestRefusedError(404, unknown)
        return self._answer([key for key in keys if self._context.operator.undrain(key)])

    def _find(self, order: DrainTarget) -> list[BackendKey]:
        known = list(_keys(self._context.status.snapshot))
        keys = [key for key in known if _is_meant(key, order)]
        if not keys:
            raise RequestRefusedError(404, _advice(order, known))
        return keys

    def _answer(self, keys: list[BackendKey]) -> web.Response:
        return web.json_response(OrderedShape(backends=[self._drained(key) for key in keys]))

    def _drained(self, key: BackendKey) -> OrderedBackendShape:
        counted = self._context.status.stats().backends.get(key)
        return {"service": key.service, "backend": str(key.address), "active": counted.active if counted else 0,
                "others_open": _others_open(self._context.status.snapshot, key)}


async def _read(request: web.Request, kind: type[T]) -> T:
    # The types that an HTML form can send (text/plain and two more) reach us from any site without a CORS preflight.
    if request.content_type != "application/json":
        raise RequestRefusedError(415, "an order must be JSON; send Content-Type: application/json")
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        late = f"the body of the order did not arrive within {BODY_TIMEOUT:g} s"
        # Close: the rest of the body would be read as the next request.
        raise RequestRefusedError(408, late, {hdrs.CONNECTION: "close"}) from None
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise RequestRefusedError(400, _mistake(error)) from None


def _mistake(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{quoted(where)}: {first['msg']}" if where else f"this is not an order: {first['msg']}"


def _keys(snapshot: Snapshot | None) -> Iterable[BackendKey]:
    for service in snapshot.services.values() if snapshot else ():
        yield from (BackendKey(service.name, backend.address) for backend in service.backends)


def _is_meant(key: BackendKey, order: DrainTarget) -> bool:
    is_backend = str(key.address) == order.backend or key.address.host == _host(order.backend)
    return is_backend and order.service in {None, key.service}


def _host(text: str) -> str | None:
    try:
        # In canonical form: ::0:1 and ::1 are one address.
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def _advice(order: DrainTarget, known: list[BackendKey]) -> str:
    services = {key.service for key in known}
    if order.service is not None and order.service not in services:
        guess = closest(order.service, services)
        return f"there is no service {quoted(order.service)}" + (f"; did you mean {guess}?" if guess else "")
    guess = closest(order.backend, (str(key.address) for key in known if order.service in {None, key.service}))
    return f"there is no backend {quoted(order.backend)}; " + (
        f"did you mean {guess}?" if guess else "write ADDRESS:PORT as lbproxy status shows it")


def _others_open(snapshot: Snapshot | None, key: BackendKey) -> int:
    service = snapshot.services.get(key.service) if snapshot else None
    return sum(one.is_open and one.address != key.address for one in service.backends) if service else 0
