"""The generated parts of a page, which stand between two comments; everything else is its authors'. Pure."""

from collections.abc import Iterable, Mapping

BEGIN, END = "<!-- generated: {name} (make docs) -->\n", "<!-- end -->"
SEPARATOR = "\\|"
"""A bar that separates no cells."""


def refreshed(page: str, blocks: Mapping[str, str]) -> str:
    """Put each block in its place; raise `ValueError` if the page has none for it."""
    for name, text in blocks.items():
        before, begin, rest = page.partition(BEGIN.format(name=name))
        _, end, after = rest.partition(END)
        if not end:
            raise ValueError(f"the page has no place for {name}; write {BEGIN.format(name=name)}{END} there")
        page = f"{before}{begin}{text}{end}{after}"
    return page


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table of Markdown."""
    first, *others = (_line(cells) for cells in (header, *rows))
    return "".join((first, "|---" * (first.count(" | ") + 1), "|\n", *others))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', SEPARATOR) for cell in cells)} |\n"
