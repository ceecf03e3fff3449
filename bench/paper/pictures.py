"""The figures as PNG, named after the paper's. matplotlib draws them; it is the dependency group `bench`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.paper.case import Point
from bench.paper.openloop import KEPT
from bench.paper.results import Results

SIZE = (6.4, 4.0)
DOTS = 120
MILLISECOND = 1_000
THOUSAND = 1_000
BARS = {
    "requests": ("node_us", "node CPU µs per request"),
    "connections": ("node_us", "node CPU µs per connection"),
    "bulk": ("node_s_per_gb", "node CPU s per GB"),
    "balance": ("spread", "connections of the busiest pod, of unequal ones, to the mean of all"),
    "change": ("failed_per_100k", "failed requests per 100,000 while pods are replaced"),
}


def draw(results: Results, folder: Path) -> list[Path]:
    """Write a picture of each figure that has points; return them."""
    made = []
    for name, paint in _PAINTERS.items():
        if results.of(name):
            made.append(folder / f"{name}.png")
            _save(paint(results), results, made[-1])
    return made


def _curves(name: str) -> Callable[[Results], Figure]:
    """Requests/s against pods, a panel for each overlay, as figures 11 and 13."""
    def paint(results: Results) -> Figure:
        overlays = _several(results.of(name), "overlay")
        figure = Figure(figsize=(SIZE[0] * len(overlays) / 1.5, SIZE[1]), layout="constrained")
        panels = figure.subplots(1, len(overlays), sharey=True, squeeze=False)[0]
        for axes, overlay in zip(panels, overlays, strict=True):
            points = results.of(name, {"overlay": overlay})
            for system in _several(points, "system"):
                for spreading in _several(points, "spreading"):
                    words = {"overlay": overlay, "system": system, "spreading": spreading}
                    _line(axes, results.of(name, words), f"{system}, {spreading}")
            axes.set_title(str(overlay))
        _explain(figure, panels[-1])
        panels[0].set_ylim(bottom=0)
        panels[0].set_ylabel("thousand requests/s")
        return figure
    return paint


def _systems(results: Results) -> Figure:
    """Requests/s against pods, a line for each system, as figure 14."""
    figure, axes = _one()
    for system in _several(results.of("fig14"), "system"):
        _line(axes, results.of("fig14", {"system": system}), str(system))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("thousand requests/s")
    _explain(figure, axes)
    return figure


def _limit(results: Results) -> Figure:
    """Measured beside computed, as figure 12."""
    points = [point for point in results.of("fig12") if point.values("limit")]
    figure, axes = _one()
    names = [f"{point.words['system']}\n{point.words['answer']}" for point in points]
    places = range(len(points))
    axes.bar(places, [median(point.values("per_second")) / THOUSAND for point in points], label="measured")
    axes.plot(places, [median(point.values("limit")) / THOUSAND for point in points], "r_", markersize=30,
              label="computed limit of 1 Gbit/s")
    axes.set_xticks(places, names, fontsize="x-small")
    axes.set_yscale("log")
    axes.set_ylabel("thousand requests/s")
    _explain(figure, axes)
    return figure


def _latency(results: Results) -> Figure:
    """The distribution of latency, a panel for each load, as figure 15."""
    loads = _several(results.of("fig15"), "load")
    figure = Figure(figsize=(SIZE[0] * max(len(loads) / 1.5, 1), SIZE[1]), layout="constrained")
    for axes, load in zip(figure.subplots(1, len(loads), sharey=True, squeeze=False)[0], loads, strict=True):
        for point in results.of("fig15", {"load": load}):
            if point.values("q000"):
                late = [median(point.values(f"q{number:03}")) / MILLISECOND for number in range(KEPT + 1)]
                axes.plot(late, [number / KEPT for number in range(KEPT + 1)], label=str(point.words["system"]))
        axes.set(xscale="log", xlabel="ms", title=f"{load} of the slowest")
        axes.grid(alpha=0.3)
    _explain(figure, axes)
    return figure


def _bars(name: str) -> Callable[[Results], Figure]:
    """One figure of every system, with its extremes."""
    key, words = BARS[name]

    def paint(results: Results) -> Figure:
        points = [point for point in results.of(name) if point.values(key)]
        figure, axes = _one()
        middles = [median(point.values(key)) for point in points]
        below = [middle - min(point.values(key)) for middle, point in zip(middles, points, strict=True)]
        over = [max(point.values(key)) - middle for middle, point in zip(middles, points, strict=True)]
        axes.barh([_label(point) for point in points], middles, xerr=[below, over], capsize=3)
        axes.invert_yaxis()
        axes.set_xlabel(words)
        return figure
    return paint


def _line(axes: Axes, points: Sequence[Point], label: str) -> None:
    there = [point for point in points if point.values("per_second")]
    pods = [int(point.words["pods"]) for point in there]
    axes.plot(pods, [median(point.values("per_second")) / THOUSAND for point in there], marker="o", label=label)
    axes.set_xticks(pods)
    axes.set_xlabel("pods")
    axes.grid(visible=True, alpha=0.3)


def _one() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.subplots()


def _explain(figure: Figure, axes: Axes) -> None:
    """Name the lines, beside them; all panels have the same."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize="x-small", markerscale=0.5)


def _label(point: Point) -> str:
    return ", ".join(str(point.words[word]) for word in ("system", "told") if word in point.words)


def _several(points: Sequence[Point], word: str) -> list[str | int]:
    return list(dict.fromkeys(point.words[word] for point in points))


def _save(figure: Figure, results: Results, file: Path) -> None:
    """Every picture says what it was measured on: those of two environments must not be mistaken for one another."""
    figure.supxlabel(f"{results.environment}: {results.machine.cpu}, {results.machine.cores} CPUs, Linux "
                     f"{results.machine.kernel}", x=1, ha="right", fontsize=5, color="gray")
    figure.savefig(file, dpi=DOTS)


_PAINTERS: dict[str, Callable[[Results], Figure]] = {
    "fig11": _curves("fig11"), "fig12": _limit, "fig13": _curves("fig13"), "fig14": _systems, "fig15": _latency,
    **{name: _bars(name) for name in BARS},
}
