"""Shows frames: redrawn in place on a terminal, as new lines on any other output."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lbproxy.demo.frame import DemoRow, Frame
from lbproxy.text.terminal import STATE_COLOURS, format_size

RIGHT_ALIGNED = ("active", "requests/s", "bytes/s", "requests")

Show = Callable[[Frame], None]


@contextmanager
def display(console: Console) -> Iterator[Show]:
    """Yield what shows a frame; when the block ends the terminal is given back, with the last frame on it."""
    # A file or a dumb terminal can't be redrawn in place.
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Lines(console).show
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda frame: live.update(picture(frame), refresh=True)


def picture(frame: Frame) -> RenderableType:
    """Return a frame for a terminal: the URL, the backends, the counts and the last events, one below the other."""
    return Group(Text(), *_title(frame), Text(), _backends(frame.rows), Text(), _counts(frame), Text(), *_events(frame))


def _title(frame: Frame) -> list[Text]:
    return [Text.assemble("lbproxy listens on ", (frame.url, "bold"), "; Ctrl-C stops the demo"),
            Text.assemble("Try:  ", (f"curl {frame.url}", "bold"), f"    or look at http://{frame.admin}/")]


def _backends(rows: tuple[DemoRow, ...]) -> Table:
    table = Table("backend", "address", "state")
    for heading in RIGHT_ALIGNED:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(Text(row.name), Text(row.address), Text(row.status, STATE_COLOURS.get(row.state, "")),
                      str(row.active), f"{row.requests_per_second:.0f}", format_size(row.bytes_per_second),
                      str(row.requests))
    return table


def _counts(frame: Frame) -> Text:
    return Text.assemble(f"{frame.moment:.0f} s: {frame.answered} requests answered, ",
                         (f"{frame.failed} failed", "bold red" if frame.failed else "green"))


def _events(frame: Frame) -> list[Text]:
    return [Text(f"{event.moment:7.1f} s  {event.text}") for event in frame.events]


class _Lines:
    """Remembers what was shown already."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._before: Frame | None = None

    def show(self, frame: Frame) -> None:
        if self._before is None:
            self._print(first_line(frame))
        for line in new_lines(self._before, frame):
            self._print(line)
        self._before = frame

    def _print(self, line: str) -> None:
        # Lines are not folded and not marked up: programs read them.
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def first_line(frame: Frame) -> str:
    """Return the line that says which URLs to open."""
    return f"lbproxy listens on {frame.url}    try: curl {frame.url}    or look at http://{frame.admin}/"


def new_lines(before: Frame | None, frame: Frame) -> Iterator[str]:
    """Yield a line for each event since the frame `before`, and one with the counts if another second has begun."""
    for event in frame.events:
        if before is None or event not in before.events:
            yield f"{event.moment:6.1f} s  {event.text}"
    if before is None or int(before.moment) != int(frame.moment):
        counts = (f"{frame.answered} answered, {frame.failed} failed", *map(_backend, frame.rows))
        yield f"{frame.moment:6.1f} s  {'   '.join(counts)}"


def _backend(row: DemoRow) -> str:
    return f"{row.name} {row.status}: {row.active} active, {row.requests_per_second:.0f}/s"
