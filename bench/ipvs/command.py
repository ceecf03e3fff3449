"""The `ipvs` command: on a kernel that has IPVS, else in a guest; what is recorded is a part of RESULTS.md."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from shutil import copytree

import click

from bench import guest
from bench.choosing import named, prepare
from bench.ipvs.applying import applied
from bench.ipvs.report import part
from bench.ipvs.rows import ROWS
from bench.ipvs.settled import Settled
from bench.lab.shape import Shape, Spreading
from bench.load import Load
from bench.machine import describe
from bench.paper import lineup
from bench.paper.case import Case
from bench.paper.progress import Progress
from bench.paper.results import Results, environment, load, save
from bench.paper.row import Row
from bench.paper.runner import run
from bench.paper.terminal import show_points
from bench.recording import record as record_part
from bench.systems.ipvs import is_there

PODS, SECONDS = 2, 3
LOADS: Mapping[str, Load] = {"requests": Load(64), "connections": Load(64, closes=True)}
SAMPLES, APPLYING = "samples.json", "applying.json"
FOLDER = Path(__file__).parents[1] / "results"


@click.command()
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True, help="Samples of each row.")
@click.option("--only", metavar="ROW[,ROW]",
              help=f"Beside IPVS by hand only these: {', '.join(row.label for row in ROWS[1:])}.")
@click.option("--record", is_flag=True, help="Write a part of bench/RESULTS.md.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to write samples, else bench/results/DATE.")
def ipvs(*, rounds: int, only: str | None, record: bool, folder: Path | None) -> None:
    """Measure our IPVS beside IPVS by hand, iptables, nftables and relays, on the same kernel."""
    prepare()
    folder = folder or FOLDER / f"{datetime.now().astimezone():ipvs-%Y-%m-%d-%H%M%S}"
    reference, *others = ROWS
    rows = [reference, *(row for row in named(only, {row.label: row for row in ROWS}) if row in others)]
    if is_there():
        _measure(rounds, rows, folder)
    else:
        _in_guest(rounds, rows, folder)
    text = part(load(folder / SAMPLES), json.loads((folder / APPLYING).read_text()))
    click.echo(text)
    if record:
        record_part(text)


def _in_guest(rounds: int, rows: Sequence[Row], folder: Path) -> None:
    with guest.folder_for_guest() as shared:
        there = shared / "results"
        options = ["--rounds", str(rounds), "--only", ",".join(row.label for row in rows), "--folder", str(there)]
        guest.run([sys.executable, "-m", "bench", "ipvs", *options], shared)
        copytree(there, folder)


def _measure(rounds: int, rows: Sequence[Row], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / APPLYING).write_text(json.dumps(dict(applied())))
    results = _begun()
    shape = Shape(spreading=Spreading.ALL, pods=PODS)
    with Progress(results.missing) as progress:
        for figure, traffic in LOADS.items():
            cases = [Case(figure, {"system": row.label}, shape, row, PODS, Settled(traffic, SECONDS))
                     for row in lineup.installed(rows)]
            progress.begin(figure, len(cases) * rounds)
            results.points += run(cases, rounds, progress.note)
            save(results, folder / SAMPLES)
            show_points(results, figure)


def _begun() -> Results:
    missing = {row.label: why for row in ROWS if (why := lineup.missing(row))}
    systems = {row.system.name: row.system for row in ROWS if row.label not in missing}
    return Results(datetime.now().astimezone().isoformat(" ", "seconds"), environment(), "ipvs",
                   describe(systems.values()), missing)
