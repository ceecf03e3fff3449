"""`lbproxy explain`: why a backend gets connections or none."""

import click

from lbproxy.cli.printing import show, show_json
from lbproxy.cli.reaching import client, reading
from lbproxy.console.explain_display import explanation


@click.command("explain")
@click.argument("service", required=False)
@click.argument("backend", required=False)
@reading
@click.option("--json", "is_json", is_flag=True, help="Print the answer of /explain instead.")
def command(service: str | None, backend: str | None, admin: str, *, is_json: bool) -> int:
    """Say for each backend of a running lbproxy what its state comes from: source, checks, orders, scheduler.

    SERVICE is a name; BACKEND is ADDRESS:PORT, or an address alone.
    """
    told = client(admin).get("/explain", service=service, backend=backend)
    if is_json:
        show_json(told)
    else:
        show(explanation(told))
    return 0
