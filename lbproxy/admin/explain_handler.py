"""`/explain`: asks the schedulers of each service in question, and answers with the facts and the chain of causes.

Each service's schedulers are asked at most once a second, however many clients ask.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic

from aiohttp import web

from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.explain_rules import ServiceFacts, explanation_pieces
from lbproxy.admin.guard import RequestRefusedError
from lbproxy.admin.reading import Now
from lbproxy.admin.rendering import SharedWork, in_slices, join_in_slices
from lbproxy.admin.state import BackendRow, ServiceRow
from lbproxy.model.snapshot import State
from lbproxy.model.stats import SchedulerChoice
from lbproxy.text.quoting import closest, quoted

FRESH = 1.0
"""Seconds for which a scheduler's answer is used again."""
MOST_KEPT = 64
"""Services for which the answer is kept."""


class ExplainHandler:
    """Answers one question at a time, once for all clients that ask it; other questions wait."""

    def __init__(self, context: AdminContext) -> None:
        self._context = context
        self._turn, self._shared = asyncio.Lock(), SharedWork()
        self._answers: dict[str, tuple[float, list[SchedulerChoice]]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        """Explain every service, or only the service and backend that `?service=` and `&backend=` name.

        Raises `RequestRefusedError` for an unknown name.
        """
        key = request.query.get("service"), request.query.get("backend")
        body = await self._shared.get(key, partial(self._written, *key))
        return web.Response(body=body, content_type="application/json")

    async def _written(self, service: str | None, backend: str | None) -> bytes:
        async with self._turn:  # the second question finds the first one's answers of the schedulers
            operator = self._context.operator
            questions = [ServiceFacts(row, operator.facts(row.name), await self._choices(row),
                                      operator.sources(row.name))
                         for row in await self._rows(service, backend)]
            return await in_slices(explanation_pieces(questions, Now.read(monotonic())))

    async def _rows(self, service: str | None, backend: str | None) -> list[ServiceRow]:
        rows = await join_in_slices(self._context.status.snapshot, self._context.status.stats())
        if service is not None:
            names = [row.name for row in rows]
            rows = tuple(row for row in rows if row.name == service)
            _require(bool(rows), "service", service, names)
        if backend is not None:
            known = [str(one.address) for row in rows for one in row.backends]
            rows = tuple(row._replace(backends=_named(row.backends, backend)) for row in rows)
            _require(any(row.backends for row in rows), "backend", backend, known)
        return [row for row in rows if row.backends or backend is None]

    async def _choices(self, row: ServiceRow) -> list[SchedulerChoice]:
        asked, choices = self._answers.get(row.name, (0.0, []))
        # `not asked`: shortly after the start of the machine the monotonic clock itself is below FRESH.
        if monotonic() - asked >= FRESH or not asked:
            draining = [one.address for one in row.backends if one.backend and one.backend.state is State.DRAINING]
            choices = list(await self._context.operator.choices(row.name, draining))
            # The first is the oldest, as a dict keeps the order of insertion.
            while len(self._answers) >= MOST_KEPT:
                del self._answers[next(iter(self._answers))]
            self._answers.pop(row.name, None)  # so that it is last again, and dropped last
            self._answers[row.name] = (monotonic(), choices)
        return choices


def _named(rows: Sequence[BackendRow], backend: str) -> tuple[BackendRow, ...]:
    return tuple(row for row in rows if backend in {str(row.address), row.address.host})


def _require(is_known: bool, what: str, word: str, known: list[str]) -> None:  # noqa: FBT001 - the condition
    if not is_known:
        guess = closest(word, known)
        hint = f"; did you mean {guess}?" if guess else ""
        raise RequestRefusedError(404, f"there is no {what} {quoted(word)}{hint}")
