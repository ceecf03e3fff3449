"""`lbproxy status`, `top` and `explain`: what a running lbproxy says of itself, for people or as JSON."""

import json

import click
from rich.console import Console, RenderableType

from lbproxy.cli.admin_options import admin_option, client
from lbproxy.console import explain_display, status_display
from lbproxy.console.errors import ConsoleError

WIDTH = 160
"""Columns of an output that is no terminal: wide enough that no line folds in which a script searches."""


@click.command("status")
@admin_option
@click.option("--json", "is_json", is_flag=True, help="Print the answer of /backends instead.")
def status(admin: str, *, is_json: bool) -> int:
    """Show the services of a running lbproxy and their backends."""
    answer = client(admin).get("/backends")
    if is_json:
        _print_json(answer)
    else:
        _print(status_display.status(answer))
    return 0


@click.command("top")
@admin_option
def top(admin: str) -> int:
    """Show backends and traffic of a running lbproxy, live.

    Needs a terminal, which it redraws until Ctrl-C.
    """
    server, screen = client(admin), _console()
    if not screen.is_terminal or screen.is_dumb_terminal:
        raise ConsoleError("top needs a terminal to redraw, and the output is none; write lbproxy status")
    from lbproxy.console.live_top import watch  # noqa: PLC0415 - status and explain need none of it

    watch(server, screen)
    return 0


@click.command("explain")
@click.argument("service", required=False)
@click.argument("backend", required=False)
@admin_option
@click.option("--json", "is_json", is_flag=True, help="Print the answer of /explain instead.")
def explain(service: str | None, backend: str | None, admin: str, *, is_json: bool) -> int:
    """Explain the state of each backend of a running lbproxy.

    The answer names all causes, and the one that decides: source, checks, drains, scheduler. SERVICE is a name, BACKEND
    is ADDRESS:PORT or an address alone. Without them every backend is explained.
    """
    answer = client(admin).get("/explain", service=service, backend=backend)
    if is_json:
        _print_json(answer)
    else:
        _print(explain_display.explanation(answer))
    return 0


def _console() -> Console:
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH)


def _print(picture: RenderableType) -> None:
    _console().print(picture)


def _print_json(answer: object) -> None:
    click.echo(json.dumps(answer, indent=1))
