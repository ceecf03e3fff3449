"""RESULTS.md, which several benchmarks share: each has a part of its own, which begins with a line `# Title`."""

import re
from pathlib import Path

FILE = Path(__file__).with_name("RESULTS.md")
_START = re.compile("^(?=# )", re.MULTILINE)


def record(part: str) -> None:
    """Write a part into the file, in place of the last one with its title."""
    FILE.write_text(replaced(FILE.read_text() if FILE.exists() else "", part))


def replaced(document: str, part: str) -> str:
    """Return the document with this part instead of the one with its title; a new one goes to the end."""
    parts = {_title(old): old.strip() for old in _START.split(document) if old.strip()}
    parts[_title(part)] = part.strip()
    return "\n\n".join(parts.values()) + "\n"


def _title(part: str) -> str:
    return part.lstrip().partition("\n")[0]
