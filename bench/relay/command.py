"""The `relay` command: choose, measure in turns, show, keep."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import click

from bench.choosing import named, prepare
from bench.errors import NotInstalledError
from bench.machine import describe
from bench.recording import record as record_part
from bench.relay import measurements
from bench.relay.grid import finding_grid, verdict_grid
from bench.relay.measurement import Measurement
from bench.relay.record import markdown
from bench.relay.results import Finding, Results, load, save
from bench.relay.rounds import BAD, measure
from bench.relay.targets import verdicts
from bench.relay.terminal import show, tell
from bench.systems import ALL, LBProxy, System

FOLDER = Path(__file__).parents[1]
QUICK_SECONDS = 2


@click.command()
@click.option("--only", metavar="NAME[,NAME]", help="Measure only these.")
@click.option("--systems", "chosen", metavar="NAME[,NAME]", help="Start only these systems.")
@click.option("--also", metavar="NAME=FOLDER", multiple=True, help="Another checkout of lbproxy.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seconds", type=click.IntRange(1), default=4, show_default=True, help="Per row and round.")
@click.option("--quick", is_flag=True, help=f"One round, {QUICK_SECONDS} s per row.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Where to write the samples.")
@click.option("--record", is_flag=True, help="Write bench/RESULTS.md, too.")
def relay(  # noqa: PLR0913 - one parameter per option
    *, only: str | None, chosen: str | None, also: tuple[str, ...], rounds: int, seconds: int,
    quick: bool, file: Path | None, record: bool,
) -> None:
    """Measure what relaying costs, beside HAProxy, nginx and Envoy."""
    prepare()
    systems = _installed([*named(chosen, {system.name: system for system in ALL}), *checkouts(also)])
    plans = named(only, {measurement.plan.name: measurement for measurement in measurements.ALL})
    rounds, seconds = (1, QUICK_SECONDS) if quick else (rounds, seconds)
    started, machine = datetime.now().astimezone(), describe(systems)
    findings = [_measured(plan, systems, rounds, seconds) for plan in plans if plan.lineup(systems)]
    results = Results(started.isoformat(" ", "seconds"), seconds, rounds, machine, findings)
    show(verdict_grid(verdicts(results)))
    _keep(results, file or FOLDER / "results" / f"relay-{started:%Y-%m-%d-%H%M%S}.json", record=record)


def checkouts(options: Iterable[str]) -> list[System]:
    """Return a system for each NAME=FOLDER."""
    pairs = [option.partition("=") for option in options]
    return [LBProxy(name, Path(folder).resolve()) for name, _, folder in pairs]


def _installed(systems: Iterable[System]) -> list[System]:
    usable = []
    for system in systems:
        try:
            system.version()
            usable.append(system)
        except NotInstalledError as error:
            tell(f"{system.name} IS LEFT OUT: {error}", BAD)
    return usable


def _measured(measurement: Measurement, systems: Sequence[System], rounds: int, seconds: int) -> Finding:
    finding = measure(measurement, systems, rounds=rounds, turns=seconds, tell=tell)
    show(finding_grid(finding))
    return finding


def _keep(results: Results, file: Path, *, record: bool) -> None:
    save(results, file)
    tell(f"samples: {file}", "bold")
    if record:
        record_part(markdown(load(file)))
