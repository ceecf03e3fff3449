"""Every figure as cases: what varies, who competes, and how a sample is taken."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median

from bench.errors import BenchError
from bench.lab.shape import Fabric, Shape, Spreading
from bench.load import Load
from bench.paper import lineup
from bench.paper.case import Action, Case
from bench.paper.limited import Limited
from bench.paper.openloop import OpenLoop, Rate
from bench.paper.plan import Plan
from bench.paper.reach import Reach
from bench.paper.replacing import Replacing
from bench.paper.results import Results
from bench.paper.row import Row
from bench.paper.throughput import Throughput
from bench.paper.unequal import Unequal

Cases = Callable[[Plan, Results], list[Case]]
KEPT, NEW, BULK = Load(64), Load(64, closes=True), Load(4, path="/bulk")
GIGABIT = 1_000
FEW_PODS = 4


@dataclass(frozen=True, slots=True)
class Experiment:
    """A figure, by the name that its files have. Others that it needs the results of come before it."""

    name: str
    cases: Cases
    is_long: bool = False
    """Whether it has many cases, or long ones, which are sampled less often."""
    needs: tuple[str, ...] = ()

    def rounds(self, plan: Plan) -> int:
        """Return how often each case is sampled."""
        return plan.few_rounds if self.is_long else plan.rounds


def _curves(figure: str, rows: Iterable[Row]) -> Cases:
    def cases(plan: Plan, _: Results) -> list[Case]:
        return [
            _case(figure, row, Shape(overlay, spreading, pods=plan.most), pods, Throughput(KEPT, plan.seconds))
            for overlay, spreading in product(plan.overlays, plan.spreadings)
            for pods, row in product(plan.pods, lineup.installed(rows))
        ]
    return cases


def _everyone(plan: Plan, _: Results) -> list[Case]:
    rows = lineup.installed(lineup.EVERYONE)
    action = Throughput(KEPT, plan.seconds)
    return [_case("fig14", row, _best(plan), pods, action) for pods, row in product(plan.pods, rows)]


def _limit(plan: Plan, _: Results) -> list[Case]:
    rows = lineup.installed((lineup.OWN, lineup.IPVS, lineup.IPTABLES))
    loads = {"small": KEPT, "8 KB": Load(64, path="/page")}
    shape = Shape(spreading=Spreading.ALL, pods=plan.most, megabits=GIGABIT)
    return [
        _case("fig12", row, shape, plan.most, Limited(Throughput(load, plan.seconds)), answer=name)
        for row, (name, load) in product(rows, loads.items())
    ]


def _latency(plan: Plan, results: Results) -> list[Case]:
    rows = lineup.installed(lineup.LATENCY)
    slowest = min(_speed(results, plan, row) for row in rows)
    return [
        _case("fig15", row, _best(plan), plan.most, OpenLoop(Rate.near(share * slowest)), load=f"{share:.0%}")
        for share, row in product(plan.rates, rows)
    ]


def _speed(results: Results, plan: Plan, row: Row) -> float:
    for point in results.of("fig14", {"system": row.label, "pods": plan.most}):
        if values := point.values("per_second"):
            return median(values)
    raise BenchError(f"figure 14 has no throughput of {row.label}")


def _costs(figure: str, load: Load, times: int = 1) -> Cases:
    def cases(plan: Plan, _: Results) -> list[Case]:
        rows = lineup.installed(lineup.SINGLE)
        shape = Shape(spreading=Spreading.ONE, pods=plan.most)
        return [_case(figure, row, shape, plan.most, Throughput(load, times * plan.seconds)) for row in rows]
    return cases


def _choosing(_: Plan, __: Results) -> list[Case]:
    rows = lineup.installed(lineup.CHOOSING)
    shape = Shape(spreading=Spreading.ONE, pods=FEW_PODS)
    return [_case("balance", row, shape, FEW_PODS, Unequal()) for row in rows]


def _changing(plan: Plan, _: Results) -> list[Case]:
    rows = [row for row in lineup.installed(lineup.EVERYONE) if not row.is_direct and row is not lineup.OWN]
    shape = Shape(spreading=Spreading.ONE, pods=2 * FEW_PODS)
    return [
        _case("change", row, shape, FEW_PODS, Replacing(is_told_late=late), told="late" if late else "in time")
        for late, row in product((True,) if plan.is_quick else (False, True), rows)
    ]


def _reach(plan: Plan, _: Results) -> list[Case]:
    return [
        _case("table1", lineup.DIRECT, Shape(overlay, Spreading.ONE, fabric, pods=2), 2, Reach())
        for overlay, fabric in product(plan.overlays, Fabric)
    ]


def _best(plan: Plan) -> Shape:
    """Return the paper's best setting: no overlay, packets on all CPUs."""
    return Shape(spreading=Spreading.ALL, pods=plan.most)


def _case(
    figure: str, row: Row, shape: Shape, pods: int, action: Action, **more: str,
) -> Case:
    words: dict[str, str | int] = {
        "system": row.label, "pods": pods, "overlay": shape.overlay.value, "spreading": shape.spreading.value,
        "fabric": shape.fabric.value, **more,
    }
    return Case(figure, words, shape, row, pods, action)


ALL: Sequence[Experiment] = (
    Experiment("table1", _reach, is_long=True),
    Experiment("fig14", _everyone),
    Experiment("fig11", _curves("fig11", lineup.PORTABLE), is_long=True),
    Experiment("fig12", _limit),
    Experiment("fig13", _curves("fig13", (lineup.IPTABLES,)), is_long=True),
    Experiment("fig15", _latency, needs=("fig14",)),
    Experiment("requests", _costs("requests", KEPT)),
    Experiment("connections", _costs("connections", NEW)),
    Experiment("bulk", _costs("bulk", BULK, times=2)),
    Experiment("balance", _choosing),
    Experiment("change", _changing, is_long=True),
)
