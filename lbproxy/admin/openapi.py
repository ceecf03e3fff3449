"""`/openapi.json`: every path with its parameters and answers, made from the types in `schema.py`. OpenAPI 3.1."""

from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from lbproxy import __version__
from lbproxy.admin.drain_handler import DrainRequest, DrainTarget
from lbproxy.admin.schema import EventLogShape, ExplanationShape, OrderedShape, StateShape
from lbproxy.admin.state import json_bytes

_REFERENCE = "#/components/schemas/{model}"
_ANSWERS = {"StateShape": StateShape, "ExplanationShape": ExplanationShape, "EventLogShape": EventLogShape,
            "OrderedShape": OrderedShape}
_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_SERVICE = {"name": "service", "in": "query", "schema": {"type": "string"}, "description": "Only this service."}
_BACKEND = {"name": "backend", "in": "query", "schema": {"type": "string"},
            "description": "Only this backend: ADDRESS:PORT, or an address alone."}
_SINCE = {"name": "since", "in": "query", "description": "Only events with a higher number.",
          "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}}
_REFUSALS = {"400": "The body is not an order, or the request is malformed.", "401": "The token is missing or wrong.",
             "403": "The server is read-only, or the order comes from another site.",
             "404": "There is no such backend, or no drain is ordered for it.",
             "408": "The body of the order did not arrive in time.", "413": "The body of the order is too long.",
             "415": "The order is not JSON.", "503": "The server can't use its token file."}


@cache
def document() -> bytes:
    """Give the description as JSON, the same for the life of the process."""
    return json_bytes({
        "openapi": "3.1.0",
        "info": {"title": "lbproxy's admin server", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": _paths(),
        "components": {"schemas": _schemas(), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    })


def _paths() -> dict[str, Any]:
    return {
        "/backends": _get("Every service and backend.", "StateShape"),
        "/explain": _get("Why each backend gets connections or none.", "ExplanationShape", _SERVICE, _BACKEND,
                         missing="There is no such service or backend."),
        "/events": _get("The last thousand changes.", "EventLogShape", _SINCE, wrong="since is not a number."),
        "/metrics": {"get": {"summary": "Metrics in Prometheus' text format, or in OpenMetrics if Accept names it.",
                             "responses": _texts({"200": "Metrics."}) | _misnamed()}},
        "/healthz": {"get": {"summary": "Whether this process is healthy (liveness probe).", "responses": _verdict()}},
        "/readyz": {"get": {"summary": "Whether new clients should come (readiness probe).", "responses": _verdict()}},
        "/drain": _post("Give a backend no new connections.", "DrainRequest"),
        "/undrain": _post("Let a drained backend take connections again.", "DrainTarget"),
    }


def _get(summary: str, shape: str, *parameters: dict[str, Any], missing: str = "", wrong: str = "") -> dict[str, Any]:
    refusals = {code: text for code, text in (("400", wrong), ("404", missing)) if text}
    answer = {"200": {"description": "The answer.", "content": _json(shape)}}
    return {"get": {"summary": summary, "parameters": list(parameters),
                    "responses": answer | _texts(refusals) | _misnamed()}}


def _post(summary: str, order: str) -> dict[str, Any]:
    return {"post": {
        "summary": summary, "security": [{"token": []}],
        "requestBody": {"required": True, "content": _json(order)},
        "responses": {"200": {"description": "It is in force.", "content": _json("OrderedShape")},
                      **_texts(_REFUSALS), **_misnamed()},
    }}


def _json(shape: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=shape)}}}


def _texts(lines: dict[str, str]) -> dict[str, Any]:
    return {code: {"description": text, "content": _TEXT} for code, text in lines.items()}


def _misnamed() -> dict[str, Any]:
    return _texts({"421": "The Host header is not a name of this server (--admin-hosts)."})


def _verdict() -> dict[str, Any]:
    return _texts({"200": "Yes.", "503": "No, and why not."})


def _schemas() -> dict[str, Any]:
    inputs: list[tuple[type[BaseModel], Any]] = [(DrainRequest, "validation"), (DrainTarget, "validation")]
    schemas: dict[str, Any] = dict(models_json_schema(inputs, ref_template=_REFERENCE)[1]["$defs"])
    for name, shape in _ANSWERS.items():
        schema = TypeAdapter(shape).json_schema(ref_template=_REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[name] = schema
    return schemas
