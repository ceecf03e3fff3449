"""What a run says on the terminal: a line per sample, a table per measurement."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.relay.grid import Grid

# Piped into a file, tables keep the width they need instead of 80 columns.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def tell(words: str, style: str) -> None:
    """Print one line."""
    console.print(Text(words, style), soft_wrap=True)


def show(grid: Grid) -> None:
    """Print a table; nothing when it has no rows."""
    table = Table(title=grid.title, title_justify="left")
    for number, heading in enumerate(grid.header):
        table.add_column(heading, justify="right" if number else "left")
    for row in grid.rows:
        table.add_row(*row)
    if grid.rows:
        console.print(table)
