"""How hostile input is repeated in a message: short, on one line, with nothing a terminal would obey."""

import difflib
from collections.abc import Iterable

_LONGEST = 60


def quoted(value: object) -> str:
    """Name a value in a message: text in quotes, cut short and escaped; anything else by its type."""
    match value:
        case str():
            return repr(cut(value))
        case int() | float():
            return escaped(str(value))
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
    return f"a {type(value).__name__}"


def cut(text: str, longest: int = _LONGEST) -> str:
    """Give enough of a text to recognize it by."""
    return text if len(text) <= longest else text[:longest] + "…"


def escaped(text: str) -> str:
    """Give the text with every character that does not print written as its escape."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def listed(words: Iterable[str]) -> str:
    """Join as in `lc, wlc, rr or wrr`."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def closest(word: str, known: Iterable[str]) -> str | None:
    """Find what the writer of an unknown word probably meant."""
    return next(iter(difflib.get_close_matches(word[:_LONGEST], sorted(known), n=1)), None)
