"""Samples in rounds: a lab for each shape, in it every case once a round, each round beginning with another one."""

from collections.abc import Callable, Sequence

from bench.errors import BenchError
from bench.lab.lab import Lab, standing
from bench.lab.shape import Shape
from bench.paper.case import Case, Point, Sample
from bench.paper.ground import Ground
from bench.rounds import rotated

Note = Callable[[Case, Sample | str], None]
"""Hears of each sample, or why there is none."""


def run(cases: Sequence[Case], rounds: int, note: Note) -> list[Point]:
    """Take `rounds` samples of each case; returns their points in the order of `cases`."""
    points = [Point(case.figure, dict(case.words)) for case in cases]
    numbered = list(zip(cases, points, strict=True))
    for shape in dict.fromkeys(case.shape for case in cases):
        _in_lab(shape, [pair for pair in numbered if pair[0].shape == shape], rounds, note)
    return points


def _in_lab(shape: Shape, pairs: Sequence[tuple[Case, Point]], rounds: int, note: Note) -> None:
    order = [pair for number in range(rounds) for pair in rotated(pairs, number)]
    try:
        with standing(shape) as lab:
            while order:
                _take(lab, *order.pop(0), note)
    except BenchError as error:  # the lab's own trouble: what is left of its cases has none
        for case, point in order:
            _fail(case, point, error, note)


def _take(lab: Lab, case: Case, point: Point, note: Note) -> None:
    try:
        sample = _sample(Ground(lab), case)
    except BenchError as error:
        _fail(case, point, error, note)
        return
    point.samples.append(sample)
    note(case, sample)


def _fail(case: Case, point: Point, error: BenchError, note: Note) -> None:
    point.samples.append(None)
    point.failures.append(str(error))
    note(case, str(error))


def _sample(ground: Ground, case: Case) -> Sample:
    """Start the system, warm it up, take one sample."""
    with case.action.backends(ground, case.pods) as backends, ground.running(case.row, backends) as running:
        case.action.warm_up(ground, running)
        return dict(case.action.sample(ground, running))
