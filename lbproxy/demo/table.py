"""A frame as a terminal shows it, redrawn in place. Pure."""

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from lbproxy.demo.frame import Frame
from lbproxy.demo.rows import Row

COLOURS = {"active": "green", "draining": "yellow", "down": "red", "removed": "dim"}
RIGHT_ALIGNED = ("active", "requests/s", "bytes/s", "requests")


def picture(frame: Frame) -> RenderableType:
    """Give the URL, the backends, the counts and the last events, one below the other."""
    return Group(Text(), *_head(frame), Text(), _backends(frame.rows), Text(), _counts(frame), Text(), *_events(frame))


def _head(frame: Frame) -> list[Text]:
    return [Text.assemble("lbproxy listens on ", (frame.url, "bold"), "; Ctrl-C ends it"),
            Text.assemble("Try:  ", (f"curl {frame.url}", "bold"), f"    or look at http://{frame.admin}/")]


def _backends(rows: tuple[Row, ...]) -> Table:
    table = Table("backend", "address", "state")
    for heading in RIGHT_ALIGNED:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(Text(row.name), Text(row.address), Text(row.standing, COLOURS.get(row.state, "")),
                      str(row.active), f"{row.requests_per_second:.0f}", decimal(round(row.bytes_per_second)),
                      str(row.requests))
    return table


def _counts(frame: Frame) -> Text:
    return Text.assemble(f"{frame.moment:.0f} s: {frame.answered} requests answered, ",
                         (f"{frame.failed} failed", "bold red" if frame.failed else "green"))


def _events(frame: Frame) -> list[Text]:
    return [Text(f"{event.moment:7.1f} s  {event.text}") for event in frame.events]
