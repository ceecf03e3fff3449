"""Where frames are shown: redrawn in place on a terminal, as lines anywhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from lbproxy.demo.frame import Frame
from lbproxy.demo.lines import head, news
from lbproxy.demo.table import picture

Show = Callable[[Frame], None]


@contextmanager
def showing(console: Console) -> Iterator[Show]:
    """Give what shows a frame, for as long as the block runs."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Lines(console).show
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda frame: live.update(picture(frame), refresh=True)


class _Lines:
    """Remembers what was shown already."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._before: Frame | None = None

    def show(self, frame: Frame) -> None:
        if self._before is None:
            self._print(head(frame))
        for line in news(self._before, frame):
            self._print(line)
        self._before = frame

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
