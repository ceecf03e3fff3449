"""Reads JSON of which nothing is sure: each value is what it should be, or the part that holds it is skipped.

A null and a missing value are the same, as in the Kubernetes API.
"""

from collections.abc import Mapping, Sequence

from lbproxy.text.quoting import quoted

Fields = Mapping[str, object]
NOTHING: Fields = {}
LARGEST = 2**63


class SkipError(ValueError):
    """This part of the input is not used; the text says why."""


def mapping(value: object, what: str) -> Fields:
    """Give a JSON object; nothing is an empty one."""
    if value is None:
        return NOTHING
    if isinstance(value, dict):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not a mapping")


def sequence(value: object, what: str) -> Sequence[object]:
    """Give a JSON array; nothing is an empty one."""
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not a list")


def text(value: object, what: str) -> str:
    """Give a text; nothing is an empty one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not text")


def flag(value: object, default: bool, what: str) -> bool:  # noqa: FBT001 - a default like any other
    """Give true or false."""
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not true or false")


def whole(value: object, what: str) -> int | None:
    """Give a whole number, or None for nothing."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise SkipError(f"{what} is {quoted(value)}, not a whole number")
    if not -LARGEST <= value <= LARGEST:
        raise SkipError(f"{what} is a number out of all range")  # too long to be written, maybe
    return value
