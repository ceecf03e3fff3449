"""`lbproxy drain`: give a backend no new connections."""

import click

from lbproxy.cli.orders import said
from lbproxy.cli.reaching import client, ordering
from lbproxy.model.errors import ConfigError
from lbproxy.text.units import format_duration, parse_duration


@click.command("drain")
@click.argument("backend")
@click.option("--service", metavar="NAME", help="Only in this service.  [default: in all that have it]")
@click.option("--for", "time", metavar="DURATION", help="Take it back by itself after so long.  [default: at undrain]")
@click.option("--deadline", metavar="DURATION", help="Reset what connections are left after so long.  [default: never]")
@ordering
def command(*, backend: str, service: str | None, time: str | None, deadline: str | None,  # noqa: PLR0913 - the options
            admin: str, admin_token_file: str | None) -> int:
    """Give a backend no new connections; those it has go on.

    BACKEND is ADDRESS:PORT as lbproxy status shows it, or an address alone for all its ports. The order survives
    reloads and whatever Kubernetes says.
    """
    order = {"backend": backend, "service": service, "for_seconds": _seconds("--for", time),
             "deadline_seconds": _seconds("--deadline", deadline)}
    click.echo(said(client(admin, admin_token_file).post("/drain", order), _terms(time, deadline)))
    return 0


def _seconds(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
    if option == "--for" and not seconds:
        raise ConfigError("--for: 0 is no time; write one such as 10m, or lbproxy undrain")
    return seconds


def _terms(time: str | None, deadline: str | None) -> str:
    until = "until lbproxy undrain" if time is None else f"for {format_duration(parse_duration(time))}"
    reset = f", what is left is reset in {format_duration(parse_duration(deadline))}" if deadline is not None else ""
    return f"drains {until}{reset}"
