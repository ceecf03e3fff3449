"""Options override the environment, and the environment the file. Each value remembers where it came from. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lbproxy.config.document import Document
from lbproxy.config.foreign_words import our_key
from lbproxy.config.option_names import (
    CONFIG_VARIABLE,
    KNOWN,
    ONE_SERVICE,
    kebab,
    option,
    own_variables,
    unknown,
    variable,
)
from lbproxy.config.options import OPTIONS
from lbproxy.config.source_map import KeyPath, Problem, SourceMap

_KEYS = {"listen": "listen", "backend": "backends", "service": "kubernetes"}
"""The keys of the file for the options of a single service."""
# Unknown keys are taken out here and reported with a suggestion; pydantic would not know what they resemble.
_FILE_KEYS = {kebab(name) for name in OPTIONS} | {"services"}

_SERVICE_KEYS = {"listen", "backend", "backends", "kubernetes"}


class _Given(NamedTuple):
    origin: str
    value: object


@dataclass(frozen=True, slots=True)
class Layers:
    """The merged values by field, not validated yet, and the problems with their names."""

    values: Mapping[str, object]
    source_map: SourceMap
    problems: tuple[Problem, ...]


def merge_layers(options: Mapping[str, object], environment: Mapping[str, str], document: Document, *,
        needs_service: bool = True) -> Layers:
    """Merge the three. `needs_service`: whether a configuration without any service is a problem."""
    given = _from_environment(environment) | _from_options(options)  # the right side wins
    values = {kebab(key): _fields(value) for key, value in document.values.items() if key in _FILE_KEYS}
    values |= {name: given[name].value for name in OPTIONS if name in given}
    origins: dict[KeyPath, int | str] = dict(document.source_map.origins)
    origins |= {(kebab(name),): value.origin for name, value in given.items()}
    problems = [*_unknown_keys(document), *_unknown_given(given)]
    single = {name: given[name] for name in ONE_SERVICE if name in given}
    # Options of a single service are judged even where none is needed: half of one is a mistake in any command.
    if (needs_service or single) and (contradiction := _bad_services(single, document)):
        problems.append(contradiction)
    elif single:
        values["services"] = [_service(single)]
        origins |= {("services", 0, _KEYS[name]): value.origin for name, value in single.items()}
    return Layers(values, SourceMap(document.source_map.file, origins), tuple(problems))


def _from_environment(environment: Mapping[str, str]) -> dict[str, _Given]:
    # Unknown variables keep their own name here, to be reported with a suggestion.
    names = {variable(name): name for name in KNOWN}
    texts = {name: text for name, text in own_variables(environment).items() if name != CONFIG_VARIABLE}
    return {names.get(name, name): _Given(name, text.split() if names.get(name) in {"listen", "backend"} else text)
            for name, text in texts.items()}


def _from_options(options: Mapping[str, object]) -> dict[str, _Given]:
    return {name: _Given(option(name), value)
            for name, value in options.items() if value not in (None, (), [])}


def _service(single: Mapping[str, _Given]) -> Mapping[str, object]:
    name = {} if "service" in single else {"name": "default"}
    return {**name, **{_KEYS[option]: given.value for option, given in single.items()}}


def _fields(value: object) -> object:
    match value:
        case dict():
            return {kebab(key): _fields(item) for key, item in value.items()}
        case list():
            return [_fields(item) for item in value]
    return value


def _unknown_keys(document: Document) -> Iterator[Problem]:
    for key in (key for key in document.values if key not in _FILE_KEYS):
        ours = our_key(key)
        if key in _SERVICE_KEYS:
            yield Problem((key,), "belongs to a service; write it inside services:")
        elif ours in _SERVICE_KEYS:
            yield Problem((key,), f"unknown key; lbproxy calls it {ours}, and has it in each item of services:")
        else:
            yield Problem((key,), unknown("key", key, _FILE_KEYS))


def _unknown_given(given: Mapping[str, _Given]) -> Iterator[Problem]:
    for name in (name for name in given if name not in KNOWN):
        is_option = given[name].origin == option(name)
        what, spell = ("option", option) if is_option else ("environment variable", variable)
        yield Problem((kebab(name),), unknown(what, name.removeprefix("LBPROXY_").lower(), KNOWN, spell))


def _bad_services(single: Mapping[str, _Given], document: Document) -> Problem | None:
    is_in_file = document.values.get("services", []) != []
    if not single:
        return None if is_in_file else _no_service(document)
    name, first = next(iter(single.items()))
    if is_in_file:
        return Problem((name,), f"{document.source_map.file} lists services too; remove {first.origin}, "
                                "or services: from the file")
    return _bad_combination(single)


def _bad_combination(single: Mapping[str, _Given]) -> Problem | None:
    """Return what is wrong with the options of a single service: it needs `listen`, and `backend` or `service`."""
    backends = [single[name] for name in ("backend", "service") if name in single]
    if len(backends) > 1:
        return Problem(("service",), f"gives the backends, as {backends[0].origin} does; remove one")
    if "listen" in single and backends:
        return None
    missing = "--listen ADDRESS" if backends else "--backend ADDRESS or --service NAMESPACE/NAME"
    return Problem((next(iter(single)),), f"is not enough on its own; add {missing}")


def _no_service(document: Document) -> Problem:
    path = ("services",) if "services" in document.values else ()
    return Problem(path, "there is no service; write --listen ADDRESS and --backend ADDRESS "
                         "(or --service NAMESPACE/NAME), or list services: in a --config FILE")
