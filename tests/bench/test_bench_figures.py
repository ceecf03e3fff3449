import os

import pytest

from bench.load import Report
from bench.others import busy_seconds
from bench.relay.bed import Usage
from bench.relay.traffic import figures


def test_figures_follow_from_totals_and_usage() -> None:
    report = Report(requests=1_000, bytes=2_000_000_000, seconds=4.0, p50_us=5, p99_us=9, errors=0)
    found = figures(report, Usage(2.0, wall_seconds=5.0, others_seconds=1.0))
    assert found["per_second"] == 250
    assert found["cpu_us"] == pytest.approx(2_000)
    assert found["gb_per_second"] == 0.5
    assert found["cpu_s_per_gb"] == 1.0
    assert found["cpu_share"] == pytest.approx(0.4)
    assert found["others_share"] == pytest.approx(0.2)


def test_bulk_that_completes_no_request_within_the_sample_still_has_figures() -> None:
    report = Report(requests=0, bytes=1_000_000_000, seconds=1.0, p50_us=0, p99_us=0, errors=0)
    assert figures(report, Usage(1.0, 1.0))["cpu_s_per_gb"] == 1.0


def test_idle_waiting_and_stolen_time_is_not_busy() -> None:
    stat = "cpu  100 20 3 5000 700 40 8 90 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert busy_seconds(stat) == pytest.approx(171 / os.sysconf("SC_CLK_TCK"))
