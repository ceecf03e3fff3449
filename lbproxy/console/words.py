"""Numbers and states as a terminal shows them. Whatever another program says is escaped. Pure."""

from rich.text import Text

from lbproxy.text.quoting import escaped
from lbproxy.text.units import format_roughly

COLOURS = {"active": "green", "draining": "yellow", "down": "red", "removed": "dim"}
THOUSAND = 1000
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
LARGEST_WHOLE = 10


def plain(text: str | None, style: str = "") -> Text:
    """Give text that is nothing but text: no markup, nothing that a terminal would obey."""
    return Text(escaped(text or ""), style)


def state(name: str, reason: str) -> Text:
    """Give a state in its colour, and the reason unless it goes without saying."""
    words = Text(escaped(name), COLOURS.get(name, ""))
    return words if (name, reason) == ("active", "ready") else words.append(f" ({escaped(reason)})", "default")


def age(seconds: float | None) -> str:
    """Give how long something has been so."""
    return "" if seconds is None else format_roughly(int(seconds))


def rate(value: float) -> str:
    """Give something per second; small values with a decimal."""
    return f"{value:,.1f}" if 0 < value < LARGEST_WHOLE else f"{value:,.0f}"


def size(value: float) -> str:
    """Give bytes by thousands."""
    place = 0
    while value >= THOUSAND and place < len(UNITS) - 1:
        value, place = value / THOUSAND, place + 1
    return f"{value:.1f} {UNITS[place]}" if place and value < LARGEST_WHOLE else f"{value:.0f} {UNITS[place]}"
