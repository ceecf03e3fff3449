"""JSON of the API's lists and watches, read and checked.

Pure. Whatever differs from the API's types raises `GarbledError`: half of a list is worse than none.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from lbproxy.sources.kubernetes.client.api_connection import ExpiredError, GarbledError, RelistError
from lbproxy.sources.kubernetes.fields import Fields, SkipError, mapping, sequence, text

GONE = 410
LONGEST_LINE = 16 << 20
"""Bytes. An object in etcd is at most 1.5 MiB by default."""


@dataclass(frozen=True, slots=True)
class Page:
    """One part of a list."""

    items: dict[str, Fields]
    """The objects by name."""
    version: str
    """The resourceVersion to watch from; what may be concluded from it says `VersionHistory`."""
    continuation: str
    """The `continue` parameter of the next page; empty: this is the last page."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The complete set of objects by name: what is not in it no longer exists."""

    items: dict[str, Fields]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change of one object."""

    kind: str
    """ADDED, MODIFIED, DELETED or BOOKMARK."""
    name: str
    """Empty for a bookmark."""
    content: Fields
    """The object after the change, or its last state if it was deleted."""
    version: str
    """The resourceVersion to resume from after this event."""


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield each line that is not empty, without its end. Raises `GarbledError` for one longer than 16 MiB.

    What follows the last line break is dropped: a watch that broke off in the middle of a line repeats that event when
    it is resumed, because only whole events move the version on.
    """
    pending: list[bytes] = []
    size = 0
    async for chunk in chunks:
        # Pieces in a list, joined once for each line: adding bytes to bytes would copy a long line for every chunk.
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            pending.append(line)
            if joined := b"".join(pending).strip():
                yield joined
            pending, size = [], 0
        pending.append(rest)
        size += len(rest)
        if size > LONGEST_LINE:
            raise GarbledError(f"a line is longer than {LONGEST_LINE >> 20} MiB")


def read_page(body: bytes) -> Page:
    """Read the answer to a list. Raises `GarbledError`."""
    try:
        fields = _parsed(body)
        metadata = mapping(fields.get("metadata"), "metadata")
        # Without `items` this is no list, and must not read as an empty one, which takes every endpoint away. A null is
        # how Go writes an empty list.
        items = [mapping(item, "an item") for item in sequence(fields.get("items", "missing"), "items")]
        return Page({_name(item): item for item in items}, _version(metadata),
                    text(metadata.get("continue"), "continue"))
    except SkipError as error:
        raise GarbledError(f"the answer to a list is malformed: {error}") from None


def read_event(line: bytes) -> WatchEvent:
    """Read one line of a watch. Raises `GarbledError`, and another `RelistError` for an ERROR event."""
    try:
        fields = _parsed(line)
        kind, content = text(fields.get("type"), "type"), mapping(fields.get("object"), "object")
        if kind == "ERROR":
            raise _watch_error(content)
        return WatchEvent(_kind(kind), "" if kind == "BOOKMARK" else _name(content), content,
                          _version(mapping(content.get("metadata"), "metadata")))
    except SkipError as error:
        raise GarbledError(f"a watch event is malformed: {error}") from None


def _parsed(body: bytes) -> Fields:
    try:
        return mapping(json.loads(body), "it")
    except SkipError:
        raise
    except (ValueError, RecursionError):  # ValueError: also bad UTF-8, and numbers of 4300 digits
        raise SkipError("it is not JSON") from None


def _kind(kind: str) -> str:
    # Not ignored: an event that is not understood may have been the deletion of an endpoint.
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
    # Without it the watch can't be resumed, and a step back could not be noticed.
    if not version:
        raise SkipError("it has no resourceVersion")
    return version


def _watch_error(status: Fields) -> RelistError:
    # A real API server (1.36) reports an expired version inside HTTP 200, as an ERROR event with a Status of code 410
    # (also kubernetes-client/python-base#57 and #199).
    code = status.get("code")
    if code == GONE:
        return ExpiredError()
    said = f"error {code}" if isinstance(code, int) else "an error without a code"
    return RelistError(f"the watch ended with {said}", "error")
