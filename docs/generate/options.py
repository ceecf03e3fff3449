"""The reference of options, from the fields that define them."""

from collections.abc import Iterable, Iterator

from pydantic.fields import FieldInfo

from lbproxy.config.option_kinds import Choice, Duration, Integer, OptionKind
from lbproxy.config.option_names import option
from lbproxy.config.options import GROUPS, OPTIONS, ServiceOptions, kind_of
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.runtime.app import FIXED_AT_START
from lbproxy.runtime.dataplanes import DATAPLANES
from lbproxy.text.quoting import listed
from lbproxy.text.units import format_duration

from .blocks import table

HEADER = ("option", "value", "default", "of", "meaning")


def options(dataplanes: Dataplanes = DATAPLANES) -> str:
    """Write a section for each group, in the order of `lbproxy run --help`."""
    return "\n".join(f"### {group.title}\n{table(HEADER, _rows(group.model_fields, dataplanes))}" for group in GROUPS)


def value(kind: OptionKind[object]) -> str:
    """Say what may be written."""
    match kind:
        case Choice():
            return _words(kind.metavar.split("|"))
        case Duration():
            return f"{format_duration(kind.low)} to {format_duration(kind.high)}"
        case Integer():
            return f"{'`auto`, ' if 'auto' in kind.metavar else ''}{kind.low:,} to {kind.high:,}"
    return " or ".join(f"`{word}`" for word in kind.metavar.split("|") if word) or "`on` or `off`"


def _rows(names: dict[str, FieldInfo], dataplanes: Dataplanes) -> Iterator[tuple[str, ...]]:
    for name in names:
        field = OPTIONS[name]
        what = _words(dataplanes.words) if name == "dataplane" else value(kind_of(field))
        meaning = " ".join(filter(None, (field.description, dataplanes.note(name))))
        yield f"`{option(name)}`", what, _default(field), _scope(name, dataplanes), meaning


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _default(field: FieldInfo) -> str:
    shown = "auto" if field.default_factory else str(kind_of(field).show(field.default))
    return f"`{shown}`" if shown else ""


def _scope(name: str, dataplanes: Dataplanes) -> str:
    """Say what has it, when it is read, and which dataplanes alone honour it."""
    parts = ["service" if name in ServiceOptions.model_fields else "process"]
    parts += ["at start"] * (name in FIXED_AT_START)
    if owners := dataplanes.honouring(name):
        parts.append(f"{listed(owners)} only")
    return ", ".join(parts)
