"""The IPVS benchmark: what its report makes of samples, and the table of a thousand on a real kernel."""

import subprocess

import pytest

from bench.ipvs.applying import applied
from bench.ipvs.report import part
from bench.machine import Machine
from bench.paper.case import Point, Sample
from bench.paper.results import Results

MACHINE = Machine("a CPU", 2, 8.0, "6.1", 100, 30, {"ipvs": "1.31"})
APPLYING = {"cold_seconds": 2.5, "change_ms": 400.0, "change_cpu_ms": 390.0}


def sample(per_second: float) -> Sample:
    return {"per_second": per_second, "p50_us": 1e6 / per_second, "p99_us": 2e6 / per_second}


def point(figure: str, system: str, *samples: Sample | None) -> Point:
    return Point(figure, {"system": system}, list(samples), ["it did not start"] if None in samples else [])


def test_ratios_are_taken_round_by_round() -> None:
    points = [
        *(point(figure, "ipvs", sample(1000), sample(500), sample(800)) for figure in ("requests", "connections")),
        *(point(figure, "lbproxy ipvs", sample(990), sample(505), None) for figure in ("requests", "connections")),
    ]
    text = part(Results("today", "guest", "ipvs", MACHINE, {}, points), APPLYING)
    row = next(line for line in text.splitlines() if line.startswith("| lbproxy ipvs |") and "0.99 to 1.01" in line)
    assert row == "| lbproxy ipvs | 1.00 (0.99 to 1.01) | 1.00 (0.99 to 1.01) | 1.00 (0.99 to 1.01) |"
    assert "A cold start took 2.50 s; a change of one backend 400 ms" in text
    assert "compare ratios only" in text


@pytest.mark.kernel
def test_table_of_a_thousand_is_made_changed_and_taken_away() -> None:
    found = applied()
    assert found["cold_seconds"] > 0
    assert found["change_cpu_ms"] > 0
    shown = subprocess.run(["ipvsadm", "-Ln"], capture_output=True, text=True, check=True).stdout
    assert "10.99.0.1" not in shown
