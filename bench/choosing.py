"""Choosing by name on the command line."""

from typing import TypeVar

import click

Named = TypeVar("Named")


def named(names: str | None, known: dict[str, Named]) -> list[Named]:
    """Return what comma-separated `names` stand for, everything when there are none."""
    wanted = names.split(",") if names else list(known)
    for name in wanted:
        if name not in known:
            raise click.BadParameter(f"{name!r} is none of {', '.join(known)}")
    return [known[name] for name in wanted]
