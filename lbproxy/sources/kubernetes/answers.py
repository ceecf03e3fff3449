"""JSON of the API's lists and watches, read and checked.

Pure. Whatever is not as the API's types have it raises `GarbledError`: half of a list is worse than none.
"""

import json
from dataclasses import dataclass

from lbproxy.sources.kubernetes.failures import ExpiredError, GarbledError, RelistError
from lbproxy.sources.kubernetes.fields import Fields, SkipError, mapping, sequence, text

GONE = 410


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    items: dict[str, Fields]
    """By name."""
    version: str
    continuation: str
    """What to ask for the next part with; empty: this is the last."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The complete set, by name."""

    items: dict[str, Fields]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. `kind` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    kind: str
    name: str
    content: Fields
    version: str


def read_page(body: bytes) -> Page:
    """Read the answer to a list."""
    try:
        fields = _parsed(body)
        metadata = mapping(fields.get("metadata"), "metadata")
        items = [mapping(item, "an item") for item in sequence(fields.get("items", "missing"), "items")]
        return Page({_name(item): item for item in items}, _version(metadata),
                    text(metadata.get("continue"), "continue"))
    except SkipError as error:
        raise GarbledError(f"a list that is none: {error}") from None


def read_event(line: bytes) -> WatchEvent:
    """Read one line of a watch. Raises `RelistError` if it says that the watch is over."""
    try:
        fields = _parsed(line)
        kind, content = text(fields.get("type"), "type"), mapping(fields.get("object"), "object")
        if kind == "ERROR":
            raise _over(content)
        return WatchEvent(_kind(kind), "" if kind == "BOOKMARK" else _name(content), content,
                     _version(mapping(content.get("metadata"), "metadata")))
    except SkipError as error:
        raise GarbledError(f"an event that is none: {error}") from None


def _parsed(body: bytes) -> Fields:
    try:
        return mapping(json.loads(body), "it")
    except (ValueError, RecursionError) as error:  # ValueError: also bad UTF-8, and numbers of 4300 digits
        if isinstance(error, SkipError):
            raise
        raise SkipError("it is not JSON") from None


def _kind(kind: str) -> str:
    if kind not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}:
        raise SkipError("its type is unknown")
    return kind


def _name(item: Fields) -> str:
    name = text(mapping(item.get("metadata"), "metadata").get("name"), "name")
    if not name:
        raise SkipError("an object has no name")
    return name


def _version(metadata: Fields) -> str:
    version = text(metadata.get("resourceVersion"), "resourceVersion")
    if not version:
        raise SkipError("it has no resourceVersion")
    return version


def _over(status: Fields) -> RelistError:
    code = status.get("code")
    if code == GONE:
        return ExpiredError()
    return RelistError(f"the watch ended with error {code if isinstance(code, int) else 'of no code'}", "error")
