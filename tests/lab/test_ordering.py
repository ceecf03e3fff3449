"""Two runs beside each other: what they agree about, and what is noise."""

import pytest

from bench.machine import Machine
from bench.paper.case import Point
from bench.paper.ordering import Agreement, agreement, agreements_grid
from bench.paper.report import markdown
from bench.paper.results import Results

MACHINE = Machine("Some CPU", 2, 8.0, "6.1.0", 450, 90, {"lbproxy": "0.1.0"})


def run(**rows: tuple[float, ...]) -> Results:
    """A run of figure 14: each system's requests/s, round by round."""
    points = [Point("fig14", {"system": name, "pods": 8}, [{"per_second": value} for value in values])
              for name, values in rows.items()]
    return Results("2026-01-02 03:04:05+00:00", "machine", "full", MACHINE, {}, points)


@pytest.mark.parametrize(("other", "same", "apart", "exchanged"), [
    (run(a=(10, 12), b=(20, 22)), 1, 1, ()),
    (run(a=(20, 22), b=(10, 12)), 0, 1, ("a, 8 and b, 8",)),
    (run(a=(10, 30), b=(12, 20)), 0, 0, ()),
    (run(a=(10, 12)), 0, 0, ()),
])
def test_only_rows_that_are_apart_in_both_runs_count_as_exchanged(
        other: Results, same: int, apart: int, exchanged: tuple[str, ...]) -> None:
    here = run(a=(1, 2), b=(3, 4))
    pairs = int(len(other.points) > 1)
    assert agreement("fig14", here, other) == Agreement("fig14", pairs, same, apart, exchanged)


def test_rows_that_one_run_lacks_or_could_not_measure_are_left_out() -> None:
    here, there = run(a=(1, 2), b=(3, 4), c=(5, 6)), run(a=(1, 2), b=(), d=(1, 1))
    there.points[1].samples.append(None)
    assert agreement("fig14", here, there).pairs == 0


def test_report_has_a_line_for_each_figure_that_both_runs_have() -> None:
    here, there = run(a=(1, 2), b=(3, 4)), run(a=(3, 4), b=(1, 2))
    assert agreements_grid(here, there).rows == [["fig14", "1", "0", "1", "a, 8 and b, 8"]]
    assert "A second run" in markdown(here, beside=there)
    assert "A second run" not in markdown(here)
