"""A frame as lines, for an output that can't be redrawn: what has happened since the last one, and the counts. Pure."""

from collections.abc import Iterator

from lbproxy.demo.frame import Frame
from lbproxy.demo.rows import Row


def head(frame: Frame) -> str:
    """Say where to look, once."""
    return f"lbproxy listens on {frame.url}    try: curl {frame.url}    or look at http://{frame.admin}/"


def news(before: Frame | None, frame: Frame) -> Iterator[str]:
    """Give a line for each event since `before`, and one for the counts if another second has begun."""
    for event in frame.events:
        if before is None or event not in before.events:
            yield f"{event.moment:6.1f} s  {event.text}"
    if before is None or int(before.moment) != int(frame.moment):
        yield f"{frame.moment:6.1f} s  {counts(frame)}"


def counts(frame: Frame) -> str:
    """Say how many requests there were, and who has them."""
    return "   ".join((f"{frame.answered} answered, {frame.failed} failed", *map(_backend, frame.rows)))


def _backend(row: Row) -> str:
    return f"{row.name} {row.standing}: {row.active} active, {row.requests_per_second:.0f}/s"
