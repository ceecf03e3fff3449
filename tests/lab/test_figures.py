import pytest

from bench.errors import BenchError
from bench.lab.shape import Places
from bench.load import Report
from bench.paper.openloop import KEPT, Rate, due_latencies, spread_out
from bench.paper.throughput import figures
from bench.paper.usage import Usage, away, bottleneck

APART = Places(frozenset([0]), frozenset([1]), frozenset([0]))
SHARED = Places(frozenset([0, 1]), frozenset([0, 1]), frozenset([0, 1]))
REPORT = Report(requests=1_000, bytes=2_000_000_000, seconds=2.0, p50_us=5, p99_us=9, errors=0)
TICK = 10_000


def log(*rows: tuple[int, int], status: int = 200) -> str:
    return "".join(f"{sent}\t{status}\t{took}\n" for sent, took in rows)


def on_time(count: int, connections: int = 1, took: int = 300) -> list[tuple[int, int]]:
    return [(1_000_000 + number // connections * TICK, took) for number in range(count)]


def test_the_first_half_second_is_left_out() -> None:
    assert due_latencies(log(*on_time(60)), 1) == [300.0] * 9


def test_a_request_that_had_to_wait_for_the_one_before_counts_from_when_it_was_due() -> None:
    rows = on_time(60)
    rows[55] = (rows[55][0], 25_000)  # so that 56 and 57 are sent when it is done
    rows[56] = (rows[55][0] + 25_000, 300)
    rows[57] = (rows[55][0] + 25_300, 300)
    assert due_latencies(log(*rows), 1)[-5:-2] == [25_000.0, 15_300.0, 5_600.0]


def test_connections_of_one_process_are_due_together() -> None:
    assert set(due_latencies(log(*on_time(120, connections=2)), 2)) == {300.0}


def test_a_failed_request_spoils_the_sample() -> None:
    with pytest.raises(BenchError, match="1 of 61 requests failed"):
        due_latencies(log(*on_time(60)) + log((2_000_000, 10), status=-1), 1)


def test_no_request_is_no_latency() -> None:
    assert due_latencies("", 1) == []


def test_a_rate_is_divided_among_processes_then_connections() -> None:
    assert Rate.near(90) == Rate(1, 1)
    assert Rate.near(1_000) == Rate(10, 1)
    assert Rate.near(10_000) == Rate(24, 5)
    assert Rate.near(10_000).per_second == 12_000


def test_the_curve_goes_from_the_fastest_to_the_slowest() -> None:
    found = spread_out([float(number) for number in range(1, 1_001)])
    assert (found["q000"], found[f"q{KEPT:03}"]) == (1.0, 1_000.0)
    assert (found["p50_us"], found["p99_us"], found["p999_us"]) == (501.0, 991.0, 1_000.0)


def test_idle_waiting_and_stolen_time_is_away_and_each_cpu_has_its_own() -> None:
    stat = "cpu 1 1 1 1 1 1 1 1 0 0\ncpu0 9 9 9 100 200 9 9 300 0 0\ncpu1 0 0 0 100 0 0 0 0 0 0\nintr 1\n"
    assert away(stat) == {0: 6.0, 1: 1.0}


def test_what_the_node_spends_is_told_only_where_its_cpus_are_its_own() -> None:
    assert figures(REPORT, Usage(2.0, node=1.0, load=1.5, others=0.0, places=APART))["node_us"] == 1_000
    assert "node_us" not in figures(REPORT, Usage(2.0, node=1.0, load=1.0, others=0.0, places=SHARED))


def test_shares_are_of_all_cpus_that_somebody_has() -> None:
    found = figures(REPORT, Usage(2.0, node=2.0, load=2.0, others=0.5, places=SHARED))
    assert (found["node_share"], found["load_share"], found["others_share"]) == (0.5, 0.5, 0.25)


@pytest.mark.parametrize(("node", "load", "are_apart", "expected"), [
    (1.0, 0.6, True, "node"), (0.6, 1.0, True, "client or pods"), (0.97, 0.99, True, "client or pods"),
    (0.6, 0.6, True, "-"), (1.0, 1.0, False, "CPUs, shared by all"), (0.5, 0.5, False, "-"),
])
def test_a_row_says_what_held_it_back(node: float, load: float, expected: str, *, are_apart: bool) -> None:
    assert bottleneck(node, load, are_apart=are_apart) == expected
