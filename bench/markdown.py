"""Tables for Markdown."""

from bench.relay.grid import Grid


def table(grid: Grid) -> str:
    """Return `grid`, without its title, ending with a line break."""
    rule = ["---", *("---:" for _ in grid.header[1:])]
    return "\n".join([*map(_row, [grid.header, rule, *grid.rows]), ""])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
