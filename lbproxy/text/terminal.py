"""How the commands show states and sizes in a terminal: `status`, `top`, `explain` and `demo` alike. Pure.

Free of rich, so that a room without it may use this too: a colour is a word that rich and ANSI terminals know.
"""

STATE_COLOURS = {"active": "green", "draining": "yellow", "down": "red", "removed": "dim"}
"""The style of each state of a backend."""

_THOUSAND = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_SMALL = 10


def format_size(value: float) -> str:
    """Write bytes in decimal units (SI: 1 kB is 1,000 bytes): `999 B`, `5.4 kB`, `54 kB`."""
    place = 0
    while value >= _THOUSAND and place < len(_UNITS) - 1:
        value, place = value / _THOUSAND, place + 1
    return f"{value:.1f} {_UNITS[place]}" if place and value < _SMALL else f"{value:.0f} {_UNITS[place]}"
