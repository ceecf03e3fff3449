"""What a run says while it goes on: how far it is, what it just saw, and what was wrong with it."""

from collections.abc import Mapping
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from bench.paper.case import Case, Sample
from bench.relay.rounds import BAD
from bench.relay.terminal import console

DISTURBANCE = 0.1
"""Of a CPU, used by others."""


class Progress:
    """A bar on a terminal, and a line for each thing that one should know."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                   TimeRemainingColumn())
        # Drawn between samples only: ten times a second costs what is measured, and in an emulated guest a whole CPU.
        self._bar = Bar(*columns, console=console, auto_refresh=False)
        self._task: TaskID | None = None
        self._missing, self._disturbed = missing, 0

    def __enter__(self) -> Self:
        self._bar.start()
        for name, why in self._missing.items():
            self._say(f"{name} IS LEFT OUT: {why}", BAD)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._disturbed:
            self._say(f"other programs used more than {DISTURBANCE:.0%} of a CPU in {self._disturbed} samples", BAD)

    def begin(self, figure: str, samples: int) -> None:
        """Begin a figure of so many samples."""
        self._task = self._bar.add_task(figure, total=samples)
        self._bar.refresh()

    def note(self, case: Case, sample: Sample | str) -> None:
        """Hear of a sample, or of why there is none."""
        if self._task is not None:
            self._bar.advance(self._task)
            self._bar.refresh()
        if isinstance(sample, str):
            self._say(f"{case.figure}: {_name(case)} failed: {sample}", BAD)
        else:
            self._disturbed += sample.get("others_share", 0.0) > DISTURBANCE
            if errors := sample.get("errors"):
                self._say(f"{case.figure}: {_name(case)}: the client saw {errors:.0f} errors", BAD)

    def _say(self, words: str, style: str) -> None:
        console.print(Text(words, style), soft_wrap=True)


def _name(case: Case) -> str:
    return ", ".join(f"{value}" for value in case.words.values())
