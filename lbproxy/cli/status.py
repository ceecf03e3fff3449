"""`lbproxy status`: how a running lbproxy fares, once."""

import click

from lbproxy.cli.printing import show, show_json
from lbproxy.cli.reaching import client, reading
from lbproxy.console.status_display import status


@click.command("status")
@reading
@click.option("--json", "is_json", is_flag=True, help="Print the answer of /backends instead.")
def command(admin: str, *, is_json: bool) -> int:
    """Show the services of a running lbproxy and their backends."""
    told = client(admin).get("/backends")
    if is_json:
        show_json(told)
    else:
        show(status(told))
    return 0
