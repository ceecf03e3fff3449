"""What commands print: pictures for people, JSON for programs."""

import json

import click
from rich.console import Console, RenderableType

WIDTH = 160
"""Columns of an output that is no terminal: nothing is folded that a program looks for."""


def console() -> Console:
    """Give standard output."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH)


def show(picture: RenderableType) -> None:
    """Print a picture."""
    console().print(picture)


def show_json(answer: object) -> None:
    """Print JSON, as the admin server writes it."""
    click.echo(json.dumps(answer, indent=1))
