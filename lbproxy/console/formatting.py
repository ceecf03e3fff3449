"""Numbers and states as a terminal shows them. Text from other programs is escaped. Pure."""

from rich.text import Text

from lbproxy.text.quoting import escaped
from lbproxy.text.terminal import STATE_COLOURS
from lbproxy.text.units import format_roughly

LARGEST_WHOLE = 10


def plain(text: str | None, style: str = "") -> Text:
    """Give literal text: without markup, and without control characters that a terminal would obey."""
    return Text(escaped(text or ""), style)


def state(name: str, reason: str) -> Text:
    """Give a state in its colour, with the reason unless it is a plain active one."""
    words = Text(escaped(name), STATE_COLOURS.get(name, ""))
    return words if (name, reason) == ("active", "ready") else words.append(f" ({escaped(reason)})", "default")


def age(seconds: float | None) -> str:
    """Give an age in seconds as text; empty for None."""
    return "" if seconds is None else format_roughly(int(seconds))


def rate(value: float) -> str:
    """Give a number per second; below 10 with one decimal."""
    return f"{value:,.1f}" if 0 < value < LARGEST_WHOLE else f"{value:,.0f}"
