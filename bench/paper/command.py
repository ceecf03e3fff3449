"""The `paper` command: every experiment, one after the other; what is done is kept whatever comes."""

import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from os.path import relpath
from pathlib import Path
from shutil import copy

import click

from bench import guest
from bench.choosing import named, prepare
from bench.errors import BenchError, NotInstalledError
from bench.machine import describe
from bench.paper import experiments, lineup
from bench.paper.claims import ALL as CLAIMS
from bench.paper.experiments import Experiment
from bench.paper.plan import PLANS, Plan
from bench.paper.progress import Progress
from bench.paper.report import write
from bench.paper.results import Results, environment, load, save
from bench.paper.runner import run
from bench.paper.terminal import show_claim, show_points
from bench.recording import record as record_part
from bench.systems.installed import find, version_in

FOLDER = Path(__file__).parents[1]
RECORDED = FOLDER / "recorded"
SAMPLES = "samples.json"


@click.command()
@click.option("--only", metavar="NAME[,NAME]", help="Measure only these: "
              + ", ".join(one.name for one in experiments.ALL) + ".")
@click.option("--quick", is_flag=True, help="One round, fewer points: about four minutes instead of twenty.")
@click.option("--in-guest", is_flag=True, help="In a virtual machine whose kernel has IPVS; about 40 minutes.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to write results, else bench/results/DATE.")
@click.option("--record", is_flag=True, help="Copy report and pictures to bench/recorded, named in bench/RESULTS.md.")
@click.option("--again", type=click.Path(exists=True, path_type=Path), metavar="JSON",
              help="Measure nothing: report once more what this file holds.")
@click.option("--resume", type=click.Path(exists=True, path_type=Path), metavar="JSON",
              help="Go on with a run that was broken off: what this file holds is not measured again.")
@click.option("--beside", type=click.Path(exists=True, path_type=Path), metavar="JSON",
              help="Another run's samples: the report says whether it puts the rows in the same order.")
def paper(  # noqa: PLR0913 - one parameter per option
    *, only: str | None, quick: bool, in_guest: bool, folder: Path | None, record: bool, again: Path | None,
    resume: Path | None, beside: Path | None,
) -> None:
    """Repeat the paper's experiments in a lab of network namespaces."""
    _check_matplotlib()
    other = load(beside) if beside else None
    if again:
        _report(load(again), folder or again.parent, record=record, beside=other)
        return
    prepare()
    if in_guest:
        options = [*(["--only", only] if only else []), *(["--quick"] if quick else []),
                   *(["--resume", str(resume.absolute())] if resume else [])]
        _in_guest(only, options, folder, record=record, beside=other)
        return
    started = datetime.now().astimezone()
    folder = folder or _folder(started, environment())
    plan = "quick" if quick else "guest" if environment() == "guest" else "full"
    results = broken_off(resume) if resume else _begun(started, plan)
    try:
        _measure(still_to_do(chosen(only), results), PLANS[plan], results, folder)
    finally:
        _report(results, folder, record=record, beside=other)


def _in_guest(
    only: str | None, options: Sequence[str], folder: Path | None, *, record: bool, beside: Results | None,
) -> None:
    """Measure in a guest, then report here."""
    chosen(only)  # a wrong name is better told before a minute of booting
    with guest.folder_for_guest() as shared:
        there = shared / "results"
        guest.run([sys.executable, "-m", "bench", "paper", "--folder", str(there), *options], shared)
        results = load(there / SAMPLES)
    folder = folder or _folder(datetime.now().astimezone(), results.environment)
    _report(results, folder, record=record, beside=beside)


def _folder(started: datetime, environment: str) -> Path:
    return FOLDER / "results" / f"{started:%Y-%m-%d-%H%M%S}-{environment}"


def chosen(only: str | None) -> list[Experiment]:
    """Return the experiments of these names and, before each, those whose results it needs."""
    known = {experiment.name: experiment for experiment in experiments.ALL}
    wanted = named(only, known)
    names = {name for experiment in wanted for name in (*experiment.needs, experiment.name)}
    return [experiment for experiment in experiments.ALL if experiment.name in names]


def broken_off(file: Path) -> Results:
    """Return what a run has measured before it was broken off; raises BenchError for one of another environment."""
    results = load(file)
    if results.environment != environment():
        raise BenchError(f"{file} is of another environment, {results.environment}: rows of both can't be mixed")
    return results


def still_to_do(chosen: Sequence[Experiment], results: Results) -> list[Experiment]:
    """Return the experiments that have no points yet: those of one come all at once, when it is done."""
    return [experiment for experiment in chosen if not results.of(experiment.name)]


def _measure(chosen: Sequence[Experiment], plan: Plan, results: Results, folder: Path) -> None:
    with Progress(results.missing) as progress:
        for experiment in chosen:
            cases, rounds = experiment.cases(plan, results), experiment.rounds(plan)
            progress.begin(experiment.name, len(cases) * rounds)
            results.points += run(cases, rounds, progress.note)
            save(results, folder / SAMPLES)
            show_points(results, experiment.name)


def _begun(started: datetime, plan: str) -> Results:
    """Return results without points: the machine, the versions, and who can't take part."""
    rows = {row.label: row for row in (*lineup.EVERYONE, *lineup.CHOOSING)}
    missing = {label: why for label, row in rows.items() if (why := lineup.missing(row))}
    systems = {row.system.name: row.system for label, row in rows.items() if label not in missing}
    machine = describe(systems.values())
    machine.versions["h2load (open loop)"] = version_in([find("h2load"), "--version"])
    return Results(started.isoformat(" ", "seconds"), environment(), plan, machine, missing)


def _report(results: Results, folder: Path, *, record: bool, beside: Results | None) -> None:
    from bench.paper.pictures import draw  # noqa: PLC0415 - matplotlib is optional for all the rest

    for claim in CLAIMS:
        show_claim(results, claim)
    if not results.points:
        return
    save(results, folder / SAMPLES)
    write(results, folder, relpath(FOLDER / "README.md", folder), beside)
    pictures = draw(results, folder)
    click.echo(f"results: {folder}")
    if record:
        there = RECORDED / results.environment
        there.mkdir(parents=True, exist_ok=True)
        write(results, there, "../../README.md", beside)
        _record(pictures, there)


def _record(pictures: Sequence[Path], there: Path) -> None:
    for picture in pictures:
        copy(picture, there)
    record_part(recorded_part(RECORDED))


def recorded_part(folder: Path) -> str:
    """Return the part of bench/RESULTS.md that leads to what was recorded, of each environment."""
    kept = "\n".join(f"- [{one.name}]({folder.name}/{one.name}/RESULTS.md)" for one in sorted(folder.iterdir()))
    return ("# Results of the paper's experiments\n\n[PAPER.md](PAPER.md) says in a sentence each what of the paper "
            f"held. The last run in each environment:\n\n{kept}\n")


def _check_matplotlib() -> None:
    if find_spec("matplotlib") is None:
        raise NotInstalledError("matplotlib is not installed; it draws the figures: pip install -e '.[bench]'")
