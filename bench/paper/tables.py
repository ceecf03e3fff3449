"""Every figure's numbers as tables: medians, spread, and what held each row back."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.paper.case import Point
from bench.paper.judging import Judged, limit
from bench.relay.grid import NOTHING, Grid
from bench.relay.summary import spread


@dataclass(frozen=True, slots=True)
class Column:
    """A figure and how to show it."""

    key: str
    heading: str
    digits: int = 0


REQUESTS = Column("per_second", "requests/s ↑")
LATENCIES = (Column("p50_us", "p50 µs ↓"), Column("p99_us", "p99 µs ↓"))
COLUMNS: dict[str, tuple[Column, ...]] = {
    "table1": (Column("reached", "pods reached"),),
    "fig11": (REQUESTS,), "fig13": (REQUESTS,),
    "fig12": (REQUESTS, Column("limit", "computed limit"), Column("wire_bytes", "bytes/request")),
    "fig14": (REQUESTS, *LATENCIES),
    "fig15": (Column("asked", "asked for/s"), REQUESTS, *LATENCIES, Column("p999_us", "p99.9 µs ↓")),
    "requests": (Column("node_us", "node CPU µs/request ↓", 1), REQUESTS, *LATENCIES),
    "connections": (
        Column("node_us", "node CPU µs/connection ↓", 1), Column("per_second", "connections/s ↑"), *LATENCIES,
    ),
    "bulk": (Column("node_s_per_gb", "node CPU s/GB ↓", 2), Column("gb_per_second", "GB/s ↑", 2)),
    "balance": (
        Column("spread", "busiest pod : mean ↓", 2), *LATENCIES, REQUESTS,
        *(Column(f"connections{number}", f"connections, pod {number}", 1) for number in range(4)),
    ),
    "change": (
        Column("failed_per_100k", "failed per 100,000 ↓"), Column("retried_per_100k", "retried per 100,000"),
        Column("requests", "requests"),
    ),
}
HOLDS = {True: "yes", False: "NO", None: NOTHING}
NAMING = ("system", "overlay", "spreading", "fabric", "pods", "answer", "load", "told")


def points_grid(title: str, figure: str, points: Sequence[Point]) -> Grid:
    """Return a row for each point, named by the words that differ between them."""
    naming = [word for word in NAMING if len({point.words.get(word) for point in points}) > 1] or ["system"]
    columns = COLUMNS[figure]
    header = [*naming, *(column.heading for column in columns), "bottleneck"]
    return Grid(title, header, [
        [*(str(point.words.get(word, NOTHING)) for word in naming), *(_cell(point, column) for column in columns),
         limit(point)]
        for point in points
    ])


def ratios_grid(title: str, found: Sequence[Judged]) -> Grid:
    """Return the paper's ratios beside ours."""
    return Grid(title, ["ratio", "paper", "here", "same direction"], [
        [one.compared.says, f"{one.compared.paper:.2f}", _ratio(one), HOLDS[one.holds]]
        for one in found
    ])


def _ratio(one: Judged) -> str:
    here = one.here
    return f"{here.middle:.2f} ({here.low:.2f} to {here.high:.2f})" if here else "not measured"


def _cell(point: Point, column: Column) -> str:
    found = spread(point.values(column.key))
    if not found:
        return "failed" if point.failures else NOTHING
    middle = f"{found.middle:,.{column.digits}f}"
    if found.low == found.high:
        return middle
    return f"{middle} ({found.low:,.{column.digits}f} to {found.high:,.{column.digits}f})"
