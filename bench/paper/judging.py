"""The paper's ratios beside ours, and in one sentence whether its claim held here."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.paper.case import Point
from bench.paper.claims import Claim, Compared, Words, points_alike
from bench.paper.results import Results
from bench.paper.usage import bottleneck
from bench.relay.summary import Spread, spread


@dataclass(frozen=True, slots=True)
class Judged:
    """A ratio of the paper and what was measured of it; None when one of its two sides was not."""

    compared: Compared
    here: Spread | None

    @property
    def holds(self) -> bool | None:
        """Return whether both say the same; None when there is nothing to compare."""
        return None if self.here is None else points_alike(self.compared.paper, self.here.middle)


def judged(results: Results, claim: Claim) -> list[Judged]:
    """Return every ratio of a claim, and of what stands in for its system."""
    return [_judge(results, claim, one) for one in (*claim.ratios, *claim.instead)]


def verdict(results: Results, claim: Claim) -> str:
    """Return the sentence; for what has no ratios, the one of its own kind."""
    if claim.figure == "table1":
        return _reach_verdict(results)
    if claim.figure == "fig12":
        return _limit_verdict(results)
    known = [one for one in (_judge(results, claim, one) for one in claim.ratios) if one.holds is not None]
    if not known:
        return "Not measured in this environment: " + "; ".join(_absent(results, claim)) + "."
    missing = len(claim.ratios) - len(known)
    unknown = f", {missing} could not be measured" if missing else ""
    agreeing = sum(bool(one.holds) for one in known)
    words = "held" if agreeing == len(known) else "held in part" if agreeing else "did not hold"
    counted = f"{agreeing} of {len(known)} ratios say the same{unknown}"
    return f"The claim {words} here: {counted}. {limits(results, claim.figure)}"


def limits(results: Results, figure: str) -> str:
    """Return what held the samples of a figure back."""
    found = [limit(point) for point in results.of(figure, {"pods": most_pods(results, figure)})]
    counted = {name: found.count(name) for name in dict.fromkeys(found)}
    parts = [f"{name} in {count}" for name, count in sorted(counted.items(), key=lambda pair: -pair[1])]
    return f"Bottleneck with the most pods, of {len(found)} rows: " + ", ".join(parts) + "." if found else ""


def limit(point: Point) -> str:
    """Return what held a point back: the client or the pods, the node, or no CPU."""
    shares = [(sample["node_share"], sample["load_share"], "node_us" in sample)
              for sample in point.samples if sample and "node_share" in sample]
    if not shares:
        return "-"
    node, load = (median(share[side] for share in shares) for side in (0, 1))
    return bottleneck(node, load, are_apart=shares[0][2])


def most_pods(results: Results, figure: str) -> int:
    """Return the largest number of pods that a figure has."""
    return max((int(point.words["pods"]) for point in results.of(figure)), default=0)


def ratio(above: Sequence[Point], below: Sequence[Point], key: str) -> Spread | None:
    """Return the spread of ratios between samples of the same round."""
    pairs = [
        one[key] / other[key]
        for a, b in zip(above, below, strict=False)
        for one, other in zip(a.samples, b.samples, strict=False)
        if one and other and other.get(key)
    ]
    return spread(pairs)


def _judge(results: Results, claim: Claim, compared: Compared) -> Judged:
    return Judged(compared, _measured(results, claim.figure, compared))


def _measured(results: Results, figure: str, compared: Compared) -> Spread | None:
    pods = most_pods(results, figure)
    above, below = (_at(results, figure, words, pods) for words in (compared.above, compared.below))
    return ratio(above, below, compared.key)


def _at(results: Results, figure: str, words: Words, pods: int) -> list[Point]:
    return results.of(figure, {**words, "pods": pods})


def _absent(results: Results, claim: Claim) -> list[str]:
    wanted = {str(words["system"]) for one in claim.ratios for words in (one.above, one.below)}
    return [f"{name}: {why}" for name, why in results.missing.items() if name in wanted] or ["the rows are missing"]


def _reach_verdict(results: Results) -> str:
    reached = {(point.words["overlay"], point.words["fabric"]): median(point.values("reached") or [0.0])
               for point in results.of("table1")}
    if not reached:
        return "Not measured."
    expected = {pair: float(pair != ("host-gw", "routed")) for pair in reached}
    held = "held" if reached == expected else "did not hold"
    return f"The claim {held} here: a router that knows only nodes stands for the cloud's gateway."


def _limit_verdict(results: Results) -> str:
    shares = []
    for point in results.of("fig12"):
        made = [sample["per_second"] / sample["limit"] for sample in point.samples if sample]
        if made:
            shares.append(f"{point.words['system']}, {point.words['answer']}: {median(made):.0%}")
    return "Of the computed limit went through: " + "; ".join(shares) + "." if shares else "Not measured."
