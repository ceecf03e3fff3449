"""Pydantic's errors in our words: what is wrong, and what to write instead."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lbproxy.config.foreign_words import our_key
from lbproxy.config.kubernetes import KubernetesConfig
from lbproxy.config.option_names import kebab, unknown
from lbproxy.config.options import OPTIONS, Options, ServiceOptions
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
_PLACES: Mapping[str, str] = {
    **{kebab(name): "the whole process; write it at the top of the file" for name in OPTIONS},
    **{kebab(name): "the service, for all its backends; write it beside listen:, or as an option of lbproxy run"
       for name in ServiceOptions.model_fields},
}
"""What each option belongs to, and where to write it: for those that are written at a wrong place."""
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
    key, known = str(path[-1]), [*map(kebab, model.model_fields)]
    if key in _PLACES:
        return f"is an option of {_PLACES[key]}"
    ours = our_key(key)
    if ours and ours in _PLACES and ours not in known:
        return f"unknown key; lbproxy calls it {ours}, an option of {_PLACES[ours]}"
    return unknown("key", key, known)
