"""What a run found, kept as JSON, and whether it is what issue and README promise."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from bench.kubernetes.sample import Figures
from bench.machine import Machine
from bench.relay.grid import Grid
from bench.relay.summary import spread


@dataclass(frozen=True, slots=True)
class Row:
    """One scale, checked or not, and the figures of each round."""

    label: str
    rounds: list[Figures]

    def middle(self, key: str) -> float:
        """Return the median of one figure."""
        found = spread([figures[key] for figures in self.rounds])
        return found.middle if found else 0.0


@dataclass(frozen=True, slots=True)
class Results:
    """One run of the benchmark."""

    started: str
    rounds: int
    changes: int
    machine: Machine
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Column:
    """A figure and how to show it."""

    key: str
    label: str
    digits: int = 1
    factor: float = 1.0
    most: float | None = None
    """What is required."""


SYNC = (
    Column("sync_seconds", "start to complete, s", 2, most=5.0), Column("sync_cpu_seconds", "CPU of main, s", 2),
    Column("sync_main_mb", "main, MB", 0), Column("sync_worker_mb", "a worker, MB", 0),
    Column("sync_all_mb", "all, MB", 0, most=300.0), Column("end_all_mb", "all, once state was asked for, MB", 0),
)
CHANGES = (
    Column("latency_ms_p50", "until obeyed, p50 ms"), Column("latency_ms_p99", "p99 ms", most=100.0),
    Column("main_ms", "CPU of main, ms", most=50.0), Column("worker_ms", "of a worker, ms"),
    Column("waiting_ms", "both waited for a CPU, ms"),
    Column("idle_share", "CPU of main without changes, %", factor=100.0),
)
STALLS = (
    Column("probe_ms_p50", "p50 ms", 2), Column("probe_ms_p99", "p99 ms", 2), Column("probe_ms_max", "max ms", 1),
    Column("quiet_ms_p50", "without changes: p50 ms", 2), Column("quiet_ms_p99", "p99 ms", 2),
    Column("quiet_ms_max", "max ms", 1),
)


def grids(results: Results) -> list[Grid]:
    """Return all tables."""
    return [_grid("First sync, peak memory", results, SYNC),
            _grid("One endpoint's change: from the API server until every worker obeys; CPU time for it",
                  results, CHANGES),
            _grid("A small request on a kept connection through a worker, meanwhile", results, STALLS)]


def save(results: Results, file: Path) -> None:
    """Write `results` as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(TypeAdapter(Results).dump_json(results, indent=1))


def _grid(title: str, results: Results, columns: tuple[Column, ...]) -> Grid:
    header = ["", *(_heading(column) for column in columns)]
    return Grid(title, header, [[row.label, *(_cell(row, column) for column in columns)] for row in results.rows])


def _heading(column: Column) -> str:
    return column.label if column.most is None else f"{column.label} (≤ {column.most:g})"


def _cell(row: Row, column: Column) -> str:
    value = row.middle(column.key)
    words = f"{value * column.factor:,.{column.digits}f}"
    return words if column.most is None or value <= column.most else f"**{words}**"
