"""YAML parser events to plain mappings, lists and text, with the line of each.

Every scalar stays text, so that `off`, `1:30` and `0o17` are what they look like and not a boolean or a number; options
read them as they read the command line. Refused are tags, keys that are given twice (many readers silently take the
last one), and aliases: a few lines of them expand to gigabytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from lbproxy.config.source_map import KeyPath, Problem, SourceMap, config_error
from lbproxy.model.errors import ConfigError
from lbproxy.text.quoting import quoted

_DEEPEST = 8  # levels; the file format needs 5, and recursion must not follow hostile input
_NOTHING = {"", "~", "null", "Null", "NULL"}


@dataclass(slots=True)
class Tree:
    """Reads one document. Raises `ConfigError` at the first thing that it refuses."""

    file: str
    events: Iterator[Event]
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def read(self) -> dict[str, object]:
        """Return the document, which must be a mapping. After that `lines` is complete."""
        next(self.events)  # the stream's start
        root = self._root(next(self.events))
        next(self.events)  # the document's end
        if not isinstance(extra := next(self.events), StreamEndEvent):
            raise self._mistake((), extra, "a second document starts here; write one only")
        return root

    def _root(self, start: Event) -> dict[str, object]:
        event = start if isinstance(start, StreamEndEvent) else next(self.events)
        if isinstance(event, StreamEndEvent) or _is_nothing(event):
            raise config_error([Problem((), "the file is empty; list services: in it")], SourceMap(self.file))
        if not isinstance(event, MappingStartEvent):
            raise self._mistake((), event, "the file is not a mapping; write keys at the top, such as services:")
        self._refuse_tricks((), event)
        return self._mapping(())

    def _value(self, path: KeyPath, event: Event) -> object:
        self._refuse_tricks(path, event)
        match event:
            case MappingStartEvent():
                return self._mapping(path)
            case SequenceStartEvent():
                return self._sequence(path)
            case ScalarEvent() if not _is_nothing(event):
                return str(event.value)
        raise self._mistake(path, self.lines[path], "has no value; write one, or remove the key")

    def _mapping(self, path: KeyPath) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self._key(path, event)
            values[key] = self._value((*path, key), next(self.events))
        return values

    def _key(self, path: KeyPath, event: Event) -> str:
        self._refuse_tricks(path, event)
        if not isinstance(event, ScalarEvent):
            raise self._mistake(path, event, "a key is not text; write a word and a colon")
        key = (*path, str(event.value))
        # `lines` has each path once, so it also tells a key that is given twice.
        if key in self.lines:
            raise self._mistake(key, event, f"is given twice, first in line {self.lines[key]}; remove one")
        self.lines[key] = _line(event)
        return str(event.value)

    def _sequence(self, path: KeyPath) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            item = (*path, len(values))
            self.lines[item] = _line(event)
            values.append(self._value(item, event))
        return values

    def _refuse_tricks(self, path: KeyPath, event: Event) -> None:
        if len(path) > _DEEPEST:
            raise self._mistake(path[:2], event, "nests too deeply; write no more levels than services need")
        if isinstance(event, AliasEvent):
            raise self._mistake(path, event, f"the alias {quoted(f'*{event.anchor}')} is not supported; "
                                             "write the value itself")
        # A tag would ask for another type than text (`!!binary`, `!!python/...`).
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag:
            raise self._mistake(path, event, f"the tag {quoted(event.tag)} is not supported; remove it")

    def _mistake(self, path: KeyPath, event: Event | int, text: str) -> ConfigError:
        line = event if isinstance(event, int) else _line(event)
        return config_error([Problem(path, text)], SourceMap(f"{self.file}:{line}"))


def _is_nothing(event: Event) -> bool:
    # Only without quotes: "null" in quotes is the word.
    return isinstance(event, ScalarEvent) and not event.style and event.value in _NOTHING


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1
