"""Where each value of the configuration came from, and the line that reports a mistake at its place. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.model.errors import ConfigError
from lbproxy.text.quoting import escaped, quoted

KeyPath = tuple[str | int, ...]
"""Keys and indexes from the top of the file, such as ("services", 0, "listen")."""


class Problem(NamedTuple):
    """One mistake: what is wrong and what to write instead."""

    path: KeyPath
    text: str
    is_absence: bool = False
    """Something is missing. It is reported last: it may be misspelled, and then the unknown key says more."""


@dataclass(frozen=True, slots=True)
class SourceMap:
    """Which line of the file, or which option or variable, gave the value at a path."""

    file: str = ""
    origins: Mapping[KeyPath, int | str] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> int:
        """Return the line in the file; 0 for what does not come from the file."""
        origin = self.origins.get(self._nearest(path), 0)
        return origin if isinstance(origin, int) else 0

    def describe(self, path: KeyPath) -> str:
        """Return the place in words: `lbproxy.yaml:3: services[0].name`, or `--backend: weight`."""
        nearest = self._nearest(path)
        origin = self.origins.get(nearest)
        if isinstance(origin, str):
            return ": ".join([origin, *(part for part in path[len(nearest):] if isinstance(part, str))])
        place = f"{self.file}:{origin}" if origin else self.file
        return ": ".join(filter(None, (place, dotted(path))))

    def _nearest(self, path: KeyPath) -> KeyPath:
        # What is missing has no line: the line of what should hold it is the nearest one.
        return next((path[:end] for end in range(len(path), 0, -1) if path[:end] in self.origins), ())


def config_error(problems: Iterable[Problem], source_map: SourceMap) -> ConfigError:
    """Make the error of one line that reports the first problem, with its place, and the number of the others.

    Its `mistakes` has a line for each.

    The first in the order of the file: that is where people start to read. Its text is escaped for a terminal.
    """
    # One line, and not all of them: the first mistake often causes the others.
    found = sorted(problems, key=lambda each: (each.is_absence, source_map.line_of(each.path)))
    lines = [escaped(": ".join(filter(None, (source_map.describe(each.path), each.text)))) for each in found]
    return ConfigError(lines[0] + (f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""), lines)


def dotted(path: KeyPath) -> str:
    """Write a path as `services[0].backends[1].weight`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]{1,40}", key) else quoted(key)
