"""What the commands share: names on the command line, and a process fit to measure."""

import resource
import signal
from typing import NoReturn, TypeVar

import click

Named = TypeVar("Named")


def named(names: str | None, known: dict[str, Named]) -> list[Named]:
    """Return what comma-separated `names` stand for, everything when there are none."""
    wanted = names.split(",") if names else list(known)
    for name in wanted:
        if name not in known:
            raise click.BadParameter(f"{name!r} is none of {', '.join(known)}")
    return [known[name] for name in wanted]


def prepare() -> None:
    """Allow as many descriptors as the limit, and end on SIGTERM as on Ctrl-C, in order."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
