"""`lbproxy undrain`: take a drain back."""

import click

from lbproxy.cli.orders import said
from lbproxy.cli.reaching import client, ordering


@click.command("undrain")
@click.argument("backend")
@click.option("--service", metavar="NAME", help="Only in this service.  [default: in all that have it]")
@ordering
def command(backend: str, service: str | None, admin: str, admin_token_file: str | None) -> int:
    """Let a backend take connections again that lbproxy drain took out.

    BACKEND is ADDRESS:PORT, or an address alone for all its ports.
    """
    order = {"backend": backend, "service": service}
    click.echo(said(client(admin, admin_token_file).post("/undrain", order), "is no longer drained by order"))
    return 0
