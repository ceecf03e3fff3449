"""The `pages` command: the same lbproxy, turn by turn, with and without pages that watch it."""

from dataclasses import dataclass
from statistics import median

import click
import psutil

from bench.load import Load
from bench.meter import Meter
from bench.net import Address, free_address
from bench.pages.watchers import PAGES, watching
from bench.relay.bed import TURN_SECONDS, Balancer, Bed, Subject, laid_out, metered
from bench.relay.terminal import tell
from bench.relay.traffic import MICROSECONDS
from bench.systems import LBProxy

KEEP_ALIVE = Load(connections=64)
REQUIRED = 1.02
"""The most that watching may multiply the relay's CPU time per request by."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One turn: the relay's CPU time per request, and what the control process used."""

    relay_us: float
    control_share: float


@click.command()
@click.option("--turns", type=click.IntRange(2), default=20, show_default=True, help="Of each kind, a second each.")
def pages(turns: int) -> None:
    """Measure what 100 open pages and a scrape per second cost the relay that they watch."""
    admin = free_address()
    with laid_out(is_pinned=True) as bed, bed.balancer(Subject("lbproxy", LBProxy(), admin=admin)) as balancer:
        bed.warm_up(KEEP_ALIVE, balancer)
        pairs = []
        for number in range(turns):
            is_first = bool(number % 2)
            first, second = (_turn(bed, balancer, admin, is_watched=one) for one in (is_first, not is_first))
            pairs.append((second, first) if is_first else (first, second))
    _show(pairs)


def _turn(bed: Bed, balancer: Balancer, admin: Address, *, is_watched: bool) -> Sample:
    if not is_watched:
        return _sample(bed, balancer)
    with watching(admin, bed.load_cpus):
        return _sample(bed, balancer)


def _sample(bed: Bed, balancer: Balancer) -> Sample:
    workers = [Meter(child.pid) for child in psutil.Process(balancer.meter.pid).children()]
    before = sum(worker.cpu_seconds() for worker in workers)
    with bed.loading(KEEP_ALIVE, balancer) as run:
        report, usage = metered(balancer, run.report)
    relay = sum(worker.cpu_seconds() for worker in workers) - before
    return Sample(relay * MICROSECONDS / report.requests, (usage.cpu_seconds - relay) / usage.wall_seconds)


def _show(pairs: list[tuple[Sample, Sample]]) -> None:
    ratio = median(watched.relay_us / alone.relay_us for alone, watched in pairs)
    for words, samples in (("alone", [alone for alone, _ in pairs]),
                           (f"{PAGES} pages and a scrape per second", [watched for _, watched in pairs])):
        tell(f"{words}: relay {median(one.relay_us for one in samples):.2f} µs of CPU per request, "
             f"control process {median(one.control_share for one in samples):.1%} of a CPU", "")
    verdict = "met" if ratio <= REQUIRED else "NOT MET"
    tell(f"ratio of the relay's CPU per request: {ratio:.3f}, median of {len(pairs)} turns of {TURN_SECONDS} s; "
         f"required {REQUIRED}: {verdict}", "bold")
