"""Whether two runs put the rows of a figure in the same order, pair by pair. Pure.

Two rows are *apart* in a run when no round of the one reaches into the rounds of the other: only then does their order
mean something. Rows that lie as near as the noise change places from run to run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.paper.case import Point
from bench.paper.results import Results
from bench.relay.grid import Grid
from bench.relay.summary import Spread, spread

KEYS = {
    "fig11": "per_second", "fig12": "per_second", "fig13": "per_second", "fig14": "per_second", "fig15": "p50_us",
    "requests": "node_us", "connections": "node_us", "bulk": "node_s_per_gb", "balance": "spread",
    "change": "failed_per_100k",
}
"""By what the rows of a figure are ordered."""
Pair = tuple[Spread, Spread]
SHOWN = 3
"""Exchanged pairs that are named."""
HEADER = ["figure", "pairs of rows", "same order of medians", "apart in both runs", "exchanged of these"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two runs agree about one figure, in pairs of its rows."""

    figure: str
    pairs: int
    same: int
    apart: int
    exchanged: tuple[str, ...]
    """Pairs that are apart in both runs, the other way round."""


def agreement(figure: str, one: Results, other: Results) -> Agreement:
    """Return how the runs agree about a figure, as far as both have its rows."""
    pairs = [(f"{a} and {b}", (first[0], second[0]), (first[1], second[1]))
             for (a, first), (b, second) in combinations(_rows(figure, one, other), 2)]
    settled = [pair for pair in pairs if _is_apart(pair[1]) and _is_apart(pair[2])]
    return Agreement(
        figure, len(pairs), sum(_sign(here) == _sign(there) for _, here, there in pairs), len(settled),
        tuple(label for label, here, there in settled if _sign(here) != _sign(there)),
    )


def agreements_grid(one: Results, other: Results) -> Grid:
    """Return a line for each figure that both runs have."""
    found = [agreement(figure, one, other) for figure in KEYS]
    return Grid("", HEADER, [
        [each.figure, str(each.pairs), str(each.same), str(each.apart), _named(each.exchanged)]
        for each in found if each.pairs
    ])


def _named(exchanged: Sequence[str]) -> str:
    more = len(exchanged) - SHOWN
    return "; ".join([*exchanged[:SHOWN], *([f"{more} more"] if more > 0 else [])]) or "none"


def _rows(figure: str, one: Results, other: Results) -> Sequence[tuple[str, Pair]]:
    rows = [(point, match) for point in one.of(figure) for match in other.of(figure) if match.words == point.words]
    spreads = [(_label(point), _spread(point), _spread(match)) for point, match in rows]
    return [(label, (here, there)) for label, here, there in spreads if here and there]


def _spread(point: Point) -> Spread | None:
    return spread(point.values(KEYS[point.figure]))


def _label(point: Point) -> str:
    return ", ".join(str(value) for value in point.words.values())


def _is_apart(pair: Pair) -> bool:
    one, other = pair
    return one.high < other.low or other.high < one.low


def _sign(pair: Pair) -> int:
    one, other = pair
    return (one.middle > other.middle) - (one.middle < other.middle)
