from pathlib import Path

import pytest

from bench.machine import Machine
from bench.relay.grid import finding_grid, verdict_grid
from bench.relay.measurement import Metric, Plan
from bench.relay.record import markdown
from bench.relay.results import Finding, Results, load, save
from bench.relay.summary import Spread, figure, ratio, spread
from bench.relay.targets import verdicts

MACHINE = Machine("Some CPU", 2, 8.0, "6.1.0", 450, 90, {"lbproxy": "0.1.0", "haproxy": "2.6.12"})
PLAN = Plan("keep-alive", "Small requests", "haproxy", (Metric("cpu_us", "CPU µs/request", 2),))


@pytest.fixture
def finding() -> Finding:
    return Finding(PLAN, {
        "haproxy": [{"cpu_us": 10.0}, {"cpu_us": 20.0}, {"cpu_us": 10.0}],
        "lbproxy": [{"cpu_us": 11.0}, {"cpu_us": 24.0}, None],
    })


@pytest.fixture
def results(finding: Finding) -> Results:
    return Results("2026-01-02 03:04:05+00:00", 4, 3, MACHINE, [finding])


def test_ratio_is_the_median_of_ratios_within_each_turn(finding: Finding) -> None:
    found = ratio(finding, "lbproxy", "cpu_us")
    assert found
    assert (found.middle, found.low, found.high) == pytest.approx((1.15, 1.1, 1.2))


def test_a_failed_sample_counts_neither_as_figure_nor_as_ratio(finding: Finding) -> None:
    assert figure(finding, "lbproxy", "cpu_us") == Spread(17.5, 11.0, 24.0)


def test_without_a_reference_there_is_no_ratio(finding: Finding) -> None:
    del finding.samples["haproxy"]
    assert ratio(finding, "lbproxy", "cpu_us") is None


def test_a_reference_of_zero_gives_no_ratio(finding: Finding) -> None:
    finding.samples["haproxy"] = [{"cpu_us": 0.0}]
    assert ratio(finding, "lbproxy", "cpu_us") is None


@pytest.mark.parametrize("key", ["cpu_us", "never measured"])
def test_unknown_rows_and_figures_have_no_spread(finding: Finding, key: str) -> None:
    assert figure(finding, "nobody", key) is None


def test_spread_of_nothing_is_nothing() -> None:
    assert spread([]) is None
    assert spread([None, None]) is None


def test_what_was_saved_is_what_is_loaded(results: Results, tmp_path: Path) -> None:
    file = tmp_path / "results" / "relay.json"
    save(results, file)
    assert load(file) == results


def test_each_figure_stands_beside_its_ratio(finding: Finding) -> None:
    grid = finding_grid(finding)
    assert grid.header == ["", "CPU µs/request ↓", "/ haproxy"]
    assert grid.rows == [["haproxy", "10.00", "1.00"], ["lbproxy", "17.50", "1.15"]]


def test_a_row_whose_samples_all_failed_shows_dashes(finding: Finding) -> None:
    finding.samples["lbproxy"] = [None, None, None]
    assert finding_grid(finding).rows[1] == ["lbproxy", "-", "-"]


@pytest.mark.parametrize(("cpu_us", "is_met", "is_aim_met"), [
    (9.0, True, True), (11.0, True, False), (12.0, False, False),
])
def test_a_target_is_judged_by_the_ratio(
    results: Results, finding: Finding, cpu_us: float, *, is_met: bool, is_aim_met: bool,
) -> None:
    finding.samples["lbproxy"] = [{"cpu_us": cpu_us}]
    (verdict,) = verdicts(results)
    assert (verdict.is_met, verdict.is_aim_met) == (is_met, is_aim_met)


def test_targets_without_samples_get_no_verdict(results: Results, finding: Finding) -> None:
    finding.samples.clear()
    assert verdicts(results) == []
    assert verdict_grid([]).rows == []


def test_record_names_machine_versions_and_missed_targets(results: Results, finding: Finding) -> None:
    finding.samples["lbproxy"] = [{"cpu_us": 30.0}]
    text = markdown(results)
    assert "Some CPU, 2 cores" in text
    assert "- haproxy: 2.6.12" in text
    assert "an unknown share of a CPU meanwhile" in text
    assert "| CPU of a kept-alive request | 3.00 (3.00 to 3.00) | ≤ 1.15 | NO | ≤ 1.00 | NO |" in text
    assert "| lbproxy | 30.00 | 3.00 |" in text


def test_record_says_how_much_others_disturbed_it(results: Results, finding: Finding) -> None:
    finding.samples["lbproxy"] = [{"cpu_us": 9.0, "others_share": share} for share in (0.1, 0.3, 0.9)]
    assert "Others on the machine used 30% of a CPU meanwhile" in markdown(results)
