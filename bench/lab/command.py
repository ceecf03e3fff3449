"""The `lab` commands: a lab to experiment in, for as long as one wants it."""

import os
import subprocess
from enum import StrEnum
from typing import NoReturn

import click

from bench.errors import LabError
from bench.lab.addresses import NODE, SERVICE, roles
from bench.lab.lab import raised
from bench.lab.netns import Namespace
from bench.lab.record import PREFIX, Record, records
from bench.lab.shape import Fabric, Overlay, Shape, Spreading


def words(kinds: type[StrEnum]) -> list[str]:
    """Return how the members of `kinds` are written on the command line."""
    return [kind.value for kind in kinds]


@click.group()
def lab() -> None:
    """A network of namespaces to experiment in: client, balancer's node, workers with pods."""


@lab.command()
@click.option("--overlay", type=click.Choice(words(Overlay)), default=Overlay.HOST_GW.value, show_default=True)
@click.option("--spreading", type=click.Choice(words(Spreading)), default=Spreading.ONE.value, show_default=True)
@click.option("--fabric", type=click.Choice(words(Fabric)), default=Fabric.SWITCHED.value, show_default=True)
@click.option("--workers", type=click.IntRange(1, 50), default=2, show_default=True)
@click.option("--pods", type=click.IntRange(1, 200), default=4, show_default=True)
@click.option("--megabits", type=click.IntRange(1), help="Limit the client's link.")
def up(  # noqa: PLR0913 - one parameter per option
    *, overlay: str, spreading: str, fabric: str, workers: int, pods: int, megabits: int | None,
) -> None:
    """Make one that stays."""
    shape = Shape(Overlay(overlay), Spreading(spreading), Fabric(fabric), workers, pods, megabits)
    made = raised(shape)
    click.echo(f"lab {made.key}: " + " ".join(roles(shape)))
    for pod in made.pods(shape.pods):
        click.echo(f"{pod.role} on {pod.worker.role}: http://{pod.address}/")
    click.echo(f"a balancer on the node should listen on {SERVICE}; get there with: python -m bench lab shell {NODE}")


@lab.command()
def down() -> None:
    """Remove all labs that stand, and what killed runs left behind; those of running benchmarks stay."""
    gone = [record for record in records() if record.owner is None or record.is_orphan]
    for record in gone:
        record.remove()
    click.echo(f"removed: {' '.join(record.key for record in gone) or 'nothing'}")


@lab.command()
@click.argument("role", default=NODE)
@click.option("--key", help="Which lab; needed when several stand.")
def shell(role: str, key: str | None) -> NoReturn:
    """Run a shell in a namespace: client, node, worker1, pod0..."""
    record = _the_one([record for record in records() if key in (None, record.key)])
    namespace = Namespace(f"{PREFIX}{record.key}-{role}")
    if not namespace.exists:
        known = " ".join(name.removeprefix(f"{PREFIX}{record.key}-") for name in record.namespaces)
        raise click.BadParameter(f"{role!r} is none of {known}")
    program = os.environ.get("SHELL", "/bin/sh")
    raise SystemExit(subprocess.run(["ip", "netns", "exec", namespace.name, program], check=False).returncode)


def _the_one(found: list[Record]) -> Record:
    match found:
        case [only]:
            return only
        case []:
            raise LabError("no lab stands; make one with: python -m bench lab up")
        case _:
            keys = ", ".join(record.key for record in found)
            raise LabError(f"several labs stand; choose one with --key: {keys}")
