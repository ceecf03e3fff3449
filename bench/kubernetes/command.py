"""The `kubernetes` command: choose, measure, show, keep."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from bench.choosing import named, prepare
from bench.kubernetes.cluster import SCALES, Scale
from bench.kubernetes.record import markdown
from bench.kubernetes.results import Results, Row, grids, save
from bench.kubernetes.sample import Figures, take
from bench.machine import describe
from bench.recording import FILE, record
from bench.relay.terminal import show, tell
from bench.systems import LBProxy

QUICK_CHANGES = 20


@click.command()
@click.option("--only", metavar="NAME[,NAME]", help="Measure only these: " + ", ".join(s.name for s in SCALES) + ".")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--changes", type=click.IntRange(2), default=200, show_default=True, help="Per row and round.")
@click.option("--quick", is_flag=True, help=f"One round of {QUICK_CHANGES} changes.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Where to write the figures.")
@click.option("--record", "is_recorded", is_flag=True, help="Write bench/RESULTS.md, too.")
def kubernetes(  # noqa: PLR0913 - one parameter per option
    *, only: str | None, rounds: int, changes: int, quick: bool, file: Path | None, is_recorded: bool,
) -> None:
    """Measure what following 10,000 endpoints costs, in one Service and in a thousand."""
    prepare()
    scales = named(only, {scale.name: scale for scale in SCALES})
    rounds, changes = (1, QUICK_CHANGES) if quick else (rounds, changes)
    started, machine = datetime.now().astimezone(), describe([LBProxy()])
    rows = [Row(label(scale, is_checked=is_checked), list(_rounds(scale, rounds, changes, is_checked=is_checked)))
            for scale in scales for is_checked in (False, True)]
    results = Results(started.isoformat(" ", "seconds"), rounds, changes, machine, rows)
    for grid in grids(results):
        show(grid)
    file = file or FILE.with_name("results") / f"kubernetes-{started:%Y-%m-%d-%H%M%S}.json"
    save(results, file)
    tell(f"figures: {file}", "bold")
    if is_recorded:
        record(markdown(results))


def label(scale: Scale, *, is_checked: bool) -> str:
    """Return the words for one row."""
    services = "1 Service" if scale.services == 1 else f"{scale.services:,} Services"
    return f"{services} of {scale.endpoints:,}" + (", checked" if is_checked else "")


def _rounds(scale: Scale, rounds: int, changes: int, *, is_checked: bool) -> Iterator[Figures]:
    for _ in range(rounds):
        figures = take(scale, changes, is_checked=is_checked)
        tell(f"{label(scale, is_checked=is_checked)}: complete after {figures['sync_seconds']:.2f} s, "
             f"a change after {figures['latency_ms_p50']:.0f} ms (p99 {figures['latency_ms_p99']:.0f}) "
             f"for {figures['main_ms']:.1f} ms of CPU", "dim")
        yield figures
