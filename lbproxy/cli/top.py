"""`lbproxy top`: how a running lbproxy fares, live."""

import click

from lbproxy.cli.printing import console
from lbproxy.cli.reaching import client, reading
from lbproxy.console.errors import ConsoleError


@click.command("top")
@reading
def command(admin: str) -> int:
    """Show the backends of a running lbproxy and how much goes through them, until Ctrl-C."""
    asked, screen = client(admin), console()
    if not screen.is_terminal or screen.is_dumb_terminal:
        raise ConsoleError("top redraws a terminal, and this is none; write lbproxy status")
    from lbproxy.console.watching import watch  # noqa: PLC0415 - not before it is of use

    watch(asked, screen)
    return 0
