"""Reads untrusted JSON: each value has the type that it should have, or the part that holds it is skipped.

Pure. A null and a missing value are the same, as in the Kubernetes API. `what` names the value in the reason. Each
function raises `SkipError` for a value of another type.
"""

from collections.abc import Mapping, Sequence

from lbproxy.text.quoting import quoted

Fields = Mapping[str, object]
EMPTY: Fields = {}
LARGEST = 2**63
"""The API's numbers are 64 bits at most. Python refuses to print one of more than 4300 digits."""


class SkipError(ValueError):
    """This part of the input is not used; the text says why."""


def mapping(value: object, what: str) -> Fields:
    """Return a JSON object; null is an empty one."""
    if value is None:
        return EMPTY
    if isinstance(value, dict):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not a mapping")


def sequence(value: object, what: str) -> Sequence[object]:
    """Return a JSON array; null is an empty one."""
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not a list")


def text(value: object, what: str) -> str:
    """Return a string; null is an empty one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not text")


def flag(value: object, default: bool, what: str) -> bool:  # noqa: FBT001 - a default like any other
    """Return true or false; null is the default."""
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise SkipError(f"{what} is {quoted(value)}, not true or false")


def whole(value: object, what: str) -> int | None:
    """Return a whole number within 64 bits, or None for null. A boolean is no number."""
    if value is None:
        return None
    # In Python a bool is an int: `"port": true` would be port 1.
    if not isinstance(value, int) or isinstance(value, bool):
        raise SkipError(f"{what} is {quoted(value)}, not a whole number")
    if not -LARGEST <= value <= LARGEST:
        raise SkipError(f"{what} is a number out of range")
    return value
