"""The reference of options, from the fields that define them."""

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from lbproxy.config.option_kinds import Choice, Duration, Integer, OptionKind
from lbproxy.config.option_names import option
from lbproxy.config.options import GROUPS, IPVS_ONLY, OPTIONS, USERSPACE_ONLY, ServiceOptions, kind_of
from lbproxy.runtime.app import FIXED_AT_START
from lbproxy.text.units import format_duration

from .blocks import table

HEADER = ("option", "value", "default", "of", "meaning")


def options() -> str:
    """Write a section for each group, in the order of `lbproxy run --help`."""
    return "\n".join(f"### {_title(group)}\n{table(HEADER, _rows(group.model_fields))}" for group in GROUPS)


def value(kind: OptionKind[object]) -> str:
    """Say what may be written."""
    match kind:
        case Choice():
            return ", ".join(f"`{word}`" for word in kind.metavar.split("|"))
        case Duration():
            return f"{format_duration(kind.low)} to {format_duration(kind.high)}"
        case Integer():
            return f"{'`auto`, ' if 'auto' in kind.metavar else ''}{kind.low:,} to {kind.high:,}"
    return " or ".join(f"`{word}`" for word in kind.metavar.split("|") if word) or "`on` or `off`"


def _rows(names: dict[str, FieldInfo]) -> Iterator[tuple[str, ...]]:
    for name in names:
        field = OPTIONS[name]
        yield f"`{option(name)}`", value(kind_of(field)), _default(field), _scope(name), str(field.description)


def _default(field: FieldInfo) -> str:
    shown = "auto" if field.default_factory else str(kind_of(field).show(field.default))
    return f"`{shown}`" if shown else ""


def _scope(name: str) -> str:
    """Say who has it, when it is read, and which dataplane alone knows it."""
    parts = ["service" if name in ServiceOptions.model_fields else "process"]
    parts += ["at start"] * (name in FIXED_AT_START)
    parts += ["userspace only"] * (name in USERSPACE_ONLY) + ["IPVS only"] * (name in IPVS_ONLY)
    return ", ".join(parts)


def _title(group: type) -> str:
    return str(group.__doc__).rstrip(".")
