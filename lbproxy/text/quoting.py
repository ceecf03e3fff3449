"""How input is repeated in a message: short, on one line, and without characters that a terminal would interpret.

Input may be hostile: a name in a Kubernetes object can hold escape sequences, and a value can have megabytes. Pure.
"""

import difflib
from collections.abc import Iterable

_LONGEST = 60


def quoted(value: object) -> str:
    """Name a value in a message: text in quotes, shortened and escaped; a number as it is; else the type."""
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
    """Return the first `longest` characters of a text, with … if there are more."""
    return text if len(text) <= longest else text[:longest] + "…"


def escaped(text: str) -> str:
    r"""Return the text with every character that does not print as an escape, such as \x1b."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def listed(words: Iterable[str]) -> str:
    """Join words as in `lc, wlc, rr or wrr`. At least one word."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like an unknown one; None if none is."""
    # Cut before comparing: the cost grows with the square of the length, and the word may be a hostile one.
    return next(iter(difflib.get_close_matches(word[:_LONGEST], sorted(known), n=1)), None)
