"""Every way to take a sample, in a real lab, as short as it means something."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack

import pytest

from bench.errors import BenchError, NotInstalledError
from bench.lab.lab import standing
from bench.lab.shape import Overlay, Shape
from bench.load import Load
from bench.net import Address
from bench.paper.case import Action, Case, Point
from bench.paper.ground import Ground, Running
from bench.paper.limited import Limited
from bench.paper.openloop import OpenLoop, Rate
from bench.paper.reach import Reach
from bench.paper.replacing import Replacing
from bench.paper.row import Row
from bench.paper.runner import run
from bench.paper.throughput import Throughput, lab_pods
from bench.paper.unequal import Unequal
from bench.systems import Direct, HAProxy, LBProxy, Nftables
from bench.systems.installed import find

from .conftest import check_able
from .trace import Trace

MEGABITS = 50
NFTABLES, DIRECT = Row("nftables", Nftables()), Row("direct", Direct())


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    check_able()
    with standing(Shape(pods=4, megabits=MEGABITS)) as lab:
        yield Ground(lab)


@pytest.fixture(autouse=True)
def _nothing_more_than_before(ground: Ground) -> Iterator[None]:
    before = Trace.of_this_machine()
    yield
    ground.check_clean()
    assert Trace.of_this_machine() == before


def sampled(ground: Ground, row: Row, action: Action, pods: int = 2) -> Mapping[str, float]:
    with ExitStack() as stack:
        backends = stack.enter_context(action.backends(ground, pods))
        running = stack.enter_context(ground.running(row, backends))
        action.warm_up(ground, running)
        return action.sample(ground, running)


def test_a_full_link_carries_what_the_bytes_of_a_request_leave_room_for(ground: Ground) -> None:
    found = sampled(ground, NFTABLES, Limited(Throughput(Load(16, path="/page"), seconds=2)))
    assert 8_192 < found["wire_bytes"] < 8_192 * 1.25
    assert found["limit"] == pytest.approx(MEGABITS * 1e6 / 8 / found["wire_bytes"])
    assert 0.5 < found["per_second"] / found["limit"] < 1.1


def test_an_open_loop_keeps_its_rate_and_its_latencies_in_order(ground: Ground) -> None:
    need("h2load")
    rate = Rate(processes=3, connections=1)
    found = sampled(ground, NFTABLES, OpenLoop(rate, seconds=2))
    assert found["asked"] == 300
    assert found["per_second"] == pytest.approx(300, rel=0.2)
    assert 0 < found["q000"] <= found["p50_us"] <= found["p99_us"] <= found["p999_us"] <= found["q200"]


def test_least_connections_spread_more_evenly_over_unequal_pods_than_turns(ground: Ground) -> None:
    least = sampled(ground, Row("lc", LBProxy()), Unequal(seconds=1), pods=4)
    turns = sampled(ground, Row("rr", LBProxy(), scheduler="rr"), Unequal(seconds=1), pods=4)
    assert 1 <= least["spread"] < turns["spread"]
    assert turns["connections3"] == max(turns[f"connections{number}"] for number in range(4))


@pytest.mark.parametrize("is_told_late", [False, True])
def test_pods_are_replaced_while_a_client_counts(ground: Ground, *, is_told_late: bool) -> None:
    found = sampled(ground, NFTABLES, Replacing(is_told_late, per_second=200), pods=2)
    assert found["requests"] > 100
    assert found["retried_per_100k"] > 0, "the old pods closed their kept connections"
    assert (found["failed_per_100k"] > 0) == is_told_late, "NAT goes on sending to a pod that is gone"


def test_lbproxy_loses_no_request_even_when_it_is_told_late(ground: Ground) -> None:
    found = sampled(ground, Row("lbproxy", LBProxy()), Replacing(is_told_late=True, per_second=200), pods=2)
    assert found["failed_per_100k"] == 0


def test_pods_on_neighbouring_nodes_are_reached(ground: Ground) -> None:
    assert sampled(ground, DIRECT, Reach()) == {"reached": 1.0}


class Scripted:
    """An action that does nothing but note who it was done to, and fails with one of them."""

    def __init__(self, fails_with: str) -> None:
        self.fails_with, self.order = fails_with, list[str]()

    def backends(self, ground: Ground, count: int) -> AbstractContextManager[tuple[Address, ...]]:
        return lab_pods(ground, count)

    def warm_up(self, ground: Ground, running: Running) -> None:
        del ground, running

    def sample(self, ground: Ground, running: Running) -> Mapping[str, float]:
        del ground
        self.order.append(running.row.label)
        if running.row.label == self.fails_with:
            raise BenchError("no luck")
        return {"per_second": float(len(self.order))}


def test_rounds_begin_with_another_system_each_time_and_a_failure_stands_for_itself() -> None:
    check_able()
    action, heard, shape = Scripted("b"), list[object](), Shape(Overlay.HOST_GW, pods=1)
    cases = [Case("fig14", {"system": label}, shape, Row(label, Direct()), 1, action) for label in "abc"]
    points = run(cases, 2, lambda case, sample: heard.append((case.row.label, sample)))
    assert action.order == ["a", "b", "c", "b", "c", "a"]
    assert [point.words["system"] for point in points] == ["a", "b", "c"]
    assert points[1] == Point("fig14", {"system": "b"}, [None, None], ["no luck", "no luck"])
    assert points[0].values("per_second") == [1.0, 6.0]
    assert ("b", "no luck") in heard


def test_a_system_that_can_t_start_is_a_failure_of_its_sample_only() -> None:
    check_able()
    row = Row("wlc", HAProxy(), scheduler="wlc")
    case = Case("fig14", {"system": "wlc"}, Shape(pods=1), row, 1, Throughput(Load(1)))
    (point,) = run([case], 1, lambda *_: None)
    assert point.failures == ["haproxy has no scheduler wlc"]


def test_a_lab_that_can_t_be_made_is_a_failure_of_all_its_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    check_able()
    monkeypatch.setattr("bench.lab.lab.script", lambda *_: "echo no luck >&2; exit 3")
    cases = [Case("fig14", {"system": label}, Shape(pods=1), DIRECT, 1, Scripted("")) for label in "ab"]
    points = run(cases, 2, lambda *_: None)
    assert [point.samples for point in points] == [[None, None]] * 2
    assert all("no luck" in failure for point in points for failure in point.failures)


def need(program: str) -> None:
    try:
        find(program)
    except NotInstalledError as error:
        pytest.skip(str(error))
