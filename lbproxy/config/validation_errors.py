"""Pydantic's errors in our words: what is wrong, and what to write instead."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lbproxy.config.kubernetes import KubernetesConfig
from lbproxy.config.option_names import kebab, unknown
from lbproxy.config.options import OPTIONS, Options
from lbproxy.config.services import BackendConfig, ServiceConfig
from lbproxy.config.source_map import KeyPath, Problem
from lbproxy.text.quoting import quoted

_ADVICE = {
    "services": "write a list, each item with listen: and backends:",
    "listen": "write an address, such as 127.0.0.1:8080, or a list of them",
    "backends": "write a list of addresses or names, such as 127.0.0.1:9001 or db.internal:5432",
    "kubernetes": "write a Service, such as default/web, or {service: default/web, port: http}",
    "service": "write NAMESPACE/NAME of a Service, such as default/web",
    "address": "write an address, such as 127.0.0.1:9001",
}
_INNER: Mapping[str, type[Options]] = {"backends": BackendConfig, "kubernetes": KubernetesConfig}
"""The models inside a service, by key."""
_CONSEQUENCES = {"default_factory_not_called"}
"""Errors that only follow from another one: they are not counted."""


def problems_in(error: ValidationError) -> Iterator[Problem]:
    """Yield every mistake that pydantic found, with its path in the file."""
    for details in error.errors(include_url=False):
        if details["type"] not in _CONSEQUENCES:
            path = tuple(kebab(part) if isinstance(part, str) else part for part in details["loc"])
            yield Problem(path, _text(details, path), is_absence=details["type"] == "missing")


def _text(details: ErrorDetails, path: KeyPath) -> str:
    advice = _ADVICE.get(next((part for part in reversed(path) if isinstance(part, str)), ""), "")
    match details["type"]:
        case "value_error":
            return str(details["ctx"]["error"])
        case "extra_forbidden":
            return _unknown(path)
        case "missing":
            return f"is missing; {advice}"
        case "too_short":
            return f"is empty; {advice}"
    return f"{quoted(details['input'])} is not allowed here; {advice}"


def _unknown(path: KeyPath) -> str:
    model: type[Options] = next((model for part, model in _INNER.items() if part in path), ServiceConfig)
    key = str(path[-1])
    if kebab(key) in OPTIONS:
        return "is an option of the whole process; write it at the top of the file"
    return unknown("key", key, map(kebab, model.model_fields))
