"""Durations: as people write them, such as `500ms`, `2s` or `1h30m`, and in seconds as the program uses them. Pure.

Whole numbers only, down to a millisecond, so that a printed duration reads back as the same value.
"""

import math
import re

from lbproxy.text.quoting import quoted

MINUTE = 60
EXAMPLES = "500ms, 2s or 1h30m"

_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
# Ten digits at most: int() of a very long text is slow.
_PARTS = re.compile("".join(rf"(?:([0-9]{{1,10}}){unit})?" for unit in _MILLISECONDS))


def parse_duration(text: str) -> float:
    """Read `1h30m` as 5400.0 seconds; raise `ValueError` with what to write instead."""
    if text == "0":  # the one number that needs no unit
        return 0.0
    found = _PARTS.fullmatch(text)
    if found is None or not text:
        raise ValueError(_mistake(text))
    parts = zip(found.groups("0"), _MILLISECONDS.values(), strict=True)
    return sum(int(number) * unit for number, unit in parts) / 1000


def format_duration(seconds: float) -> str:
    """Write 5400.0 as `1h30m`, to the nearest millisecond; 0 as `0s`. Not for negative values."""
    rest, words = round(seconds * 1000), ""  # in whole milliseconds: 0.1 + 0.2 must not show
    for name, unit in _MILLISECONDS.items():
        number, rest = divmod(rest, unit)
        words += f"{number}{name}" if number else ""
    return words or "0s"


def format_roughly(seconds: float) -> str:
    """Write a duration roughly and rounded up, for people who wait: 540.2 is `10m`, 95 is `95s`."""
    whole = math.ceil(seconds)
    if whole < 2 * MINUTE:
        return f"{whole}s"
    hours, minutes = divmod(math.ceil(whole / MINUTE), MINUTE)
    return f"{hours}h" * bool(hours) + f"{minutes}m" * bool(minutes)


def _mistake(text: str) -> str:
    if re.fullmatch("[0-9]{1,10}", text):
        return f"{text} has no unit; write {text}s or {text}ms"
    return f"{quoted(text)} is not a duration; write one such as {EXAMPLES}"
