from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.machine import Machine
from bench.paper import experiments, lineup
from bench.paper.case import Point
from bench.paper.claims import ALL, Claim, points_alike
from bench.paper.command import broken_off, chosen, recorded_part, still_to_do
from bench.paper.judging import judged, limit, verdict
from bench.paper.pictures import draw
from bench.paper.plan import PLANS
from bench.paper.report import markdown, write
from bench.paper.results import Results, load, save
from bench.paper.tables import COLUMNS, points_grid

MACHINE = Machine("Some CPU", 2, 8.0, "6.1.0", 450, 90, {"lbproxy": "0.1.0"})
PNG = b"\x89PNG"


@pytest.fixture
def results() -> Results:
    missing = {"ipvs": "this kernel has no IPVS"}
    return Results("2026-01-02 03:04:05+00:00", "machine", "quick", MACHINE, missing)


def claim(figure: str) -> Claim:
    (found,) = [one for one in ALL if one.figure == figure]
    return found


def fig14(system: str, *per_second: float, pods: int = 8) -> Point:
    samples = [{"per_second": value, "p50_us": 1.0, "node_share": 1.0, "load_share": 1.0} for value in per_second]
    return Point("fig14", {"system": system, "pods": pods}, list(samples))


def fig13(overlay: str, spreading: str, per_second: float) -> Point:
    words: dict[str, str | int] = {"system": "iptables", "pods": 8, "overlay": overlay, "spreading": spreading}
    return Point("fig13", words, [{"per_second": per_second}])


def test_ratios_are_taken_within_a_round_at_the_largest_number_of_pods(results: Results) -> None:
    results.points = [
        fig14("iptables", 1.0, pods=1), fig14("nginx http", 1.0, pods=1),
        fig14("iptables", 100.0, 200.0, 400.0), fig14("nginx http", 10.0, 40.0, 40.0),
    ]
    (nginx,) = [one for one in judged(results, claim("fig14")) if one.here]
    assert nginx.here
    assert (nginx.here.middle, nginx.here.low, nginx.here.high) == pytest.approx((0.1, 0.1, 0.2))
    assert nginx.holds


def test_what_could_not_be_measured_is_said_in_the_verdict(results: Results) -> None:
    assert verdict(results, claim("fig11")) == "Not measured in this environment: ipvs: this kernel has no IPVS."
    results.points = [fig14("iptables", 100.0), fig14("nginx http", 10.0)]
    assert "held here: 1 of 1 ratios say the same, 1 could not be measured" in verdict(results, claim("fig14"))


@pytest.mark.parametrize(("udp", "words"), [(20.0, "held here: 2 of 2"), (95.0, "held in part here: 1 of 2")])
def test_a_claim_holds_as_far_as_its_ratios_point_the_same_way(results: Results, udp: float, words: str) -> None:
    results.points = [
        fig13("host-gw", "one", 40.0), fig13("host-gw", "all", 100.0), fig13("udp", "all", udp),
    ]
    assert words in verdict(results, claim("fig13"))


@pytest.mark.parametrize(("paper", "here", "is_alike"), [
    (5.0, 1.2, True), (5.0, 1.1, False), (0.87, 1.1, True), (0.15, 0.8, True), (0.15, 1.3, False), (1.0, 0.8, False),
])
def test_ratios_say_the_same_when_both_mean_more_less_or_alike(paper: float, here: float, *, is_alike: bool) -> None:
    assert points_alike(paper, here) is is_alike


def test_table_1_holds_when_only_routes_fail_behind_the_router(results: Results) -> None:
    reached = {("host-gw", "switched"): 1.0, ("host-gw", "routed"): 0.0, ("vxlan", "routed"): 1.0}
    results.points = [
        Point("table1", {"overlay": overlay, "fabric": fabric, "pods": 2}, [{"reached": value}])
        for (overlay, fabric), value in reached.items()
    ]
    assert verdict(results, claim("table1")).startswith("The claim held here")
    results.points[-1].samples[0] = {"reached": 0.0}
    assert verdict(results, claim("table1")).startswith("The claim did not hold here")


def test_every_ratio_of_the_paper_is_of_rows_that_are_measured() -> None:
    labels = {row.label for row in (*lineup.EVERYONE, *lineup.PORTABLE, *lineup.LATENCY)}
    for one in ALL:
        for compared in (*one.ratios, *one.instead):
            assert {compared.above["system"], compared.below["system"]} <= labels
            assert compared.key in {column.key for column in COLUMNS[one.figure]}
    assert {experiment.name for experiment in experiments.ALL} == set(COLUMNS)
    assert {one.figure for one in ALL} <= set(COLUMNS)


@pytest.mark.parametrize("plan", list(PLANS))
def test_every_experiment_has_cases_told_apart_by_their_words(results: Results, plan: str) -> None:
    for experiment in experiments.ALL:
        if experiment.name != "fig15":  # whose rates come from figure 14
            cases = experiment.cases(PLANS[plan], results)
            assert len({tuple(case.words.items()) for case in cases}) == len(cases) > 0


def test_a_figure_brings_along_what_it_needs_in_order() -> None:
    assert [one.name for one in chosen("fig15,fig12")] == ["fig14", "fig12", "fig15"]
    assert len(chosen(None)) == len(experiments.ALL)


def test_a_row_held_back_by_the_client_says_so() -> None:
    point = Point("requests", {"system": "nftables"}, [{"node_share": 0.7, "load_share": 1.0, "node_us": 3.0}, None])
    assert limit(point) == "client or pods"
    assert limit(Point("requests", {"system": "x"}, [None], ["broke"])) == "-"


def test_medians_stand_with_their_spread_and_failures_as_such() -> None:
    points = [fig14("a", 10.0, 30.0, 20.0), Point("fig14", {"system": "b", "pods": 8}, [None], ["it broke"])]
    grid = points_grid("", "fig14", points)
    assert [row[:2] for row in grid.rows] == [["a", "20 (10 to 30)"], ["b", "failed"]]


def test_the_report_has_every_claim_the_environment_and_who_is_missing(results: Results, tmp_path: Path) -> None:
    results.points = [fig14("iptables", 100.0), fig14("nginx http", 10.0)]
    results.points[0].failures.append("it broke once")
    text = markdown(results)
    assert all(f"## {one.title}\n" in text for one in ALL if one.ratios)
    assert "environment: **machine**" in text
    assert "left out: ipvs (this kernel has no IPVS)" in text
    assert "| nginx http : iptables | 0.05 | 0.10 (0.10 to 0.10) | yes |" in text
    assert "- failed: iptables: it broke once" in text
    assert write(results, tmp_path, "README.md").read_text() == text


def test_pictures_are_drawn_of_what_was_measured_and_of_nothing_else(results: Results, tmp_path: Path) -> None:
    curve = {f"q{number:03}": 100.0 + number for number in range(201)}
    results.points = [
        fig14("iptables", 100.0), fig13("host-gw", "one", 40.0), fig13("udp", "one", 40.0),
        Point("fig12", {"system": "iptables", "answer": "small", "pods": 8}, [{"per_second": 9.0, "limit": 10.0}]),
        Point("fig15", {"system": "iptables", "load": "50%", "pods": 8}, [curve, None]),
        Point("requests", {"system": "iptables", "pods": 8}, [{"node_us": 10.0}, {"node_us": 12.0}]),
        Point("bulk", {"system": "iptables", "pods": 8}, [None], ["broke"]),
    ]
    made = draw(results, tmp_path)
    assert [file.stem for file in made] == ["fig12", "fig13", "fig14", "fig15", "requests", "bulk"]
    assert all(file.read_bytes().startswith(PNG) for file in made)


def test_results_lead_to_what_was_recorded_of_each_environment(tmp_path: Path) -> None:
    for environment in ("machine", "guest"):
        (tmp_path / "recorded" / environment).mkdir(parents=True)
    lines = recorded_part(tmp_path / "recorded").splitlines()
    assert lines[-2:] == ["- [guest](recorded/guest/RESULTS.md)", "- [machine](recorded/machine/RESULTS.md)"]


def test_run_that_goes_on_measures_only_what_it_lacks(results: Results) -> None:
    results.points = [fig14("iptables", 100.0)]
    assert [one.name for one in still_to_do(chosen("fig13,fig15"), results)] == ["fig13", "fig15"]


def test_run_does_not_go_on_in_another_environment(results: Results, tmp_path: Path) -> None:
    save(results, tmp_path / "samples.json")
    assert broken_off(tmp_path / "samples.json") == results
    results.environment = "guest"
    save(results, tmp_path / "samples.json")
    with pytest.raises(BenchError, match="of another environment, guest"):
        broken_off(tmp_path / "samples.json")


def test_what_was_saved_is_what_is_loaded(results: Results, tmp_path: Path) -> None:
    results.points = [fig14("iptables", 100.0)]
    save(results, tmp_path / "deep" / "samples.json")
    assert load(tmp_path / "deep" / "samples.json") == results
