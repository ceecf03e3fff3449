"""The systems that are compared: all systems alike, or lbproxy in several configurations."""

from collections.abc import Callable, Sequence

from bench.relay.bed import Subject
from bench.systems import System

Lineup = Callable[[Sequence[System]], tuple[Subject, ...]]

BACKENDS = (2, 100, 1_000)
WORKERS = (1, 2)
OWN = "lbproxy"


def everyone(systems: Sequence[System]) -> tuple[Subject, ...]:
    """Return every system with two backends and one worker."""
    return tuple(Subject(system.name, system) for system in systems)


def growing_backends(scheduler: str | None) -> Lineup:
    """Return lbproxy with few and with many backends; their checks would be paid for by time, not by connection."""
    def lineup(systems: Sequence[System]) -> tuple[Subject, ...]:
        return tuple(
            Subject(f"{count:,} backends", own, backends=count, scheduler=scheduler, is_checked=False)
            for own in _own(systems) for count in BACKENDS
        )
    return lineup


def growing_workers(systems: Sequence[System]) -> tuple[Subject, ...]:
    """Return lbproxy with one and with two workers."""
    return tuple(
        Subject(f"{count} worker{'s'[:count - 1]}", own, workers=count)
        for own in _own(systems) for count in WORKERS
    )


def _own(systems: Sequence[System]) -> list[System]:
    return [system for system in systems if system.name == OWN]
