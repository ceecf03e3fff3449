"""`lbproxy drain` and `lbproxy undrain`: an operator takes a backend out of service, and back."""

from collections.abc import Iterator

import click

from lbproxy.admin.schema import OrderedBackendShape, OrderedShape
from lbproxy.cli.admin_options import admin_option, client, token_option
from lbproxy.model.errors import ConfigError
from lbproxy.text.quoting import escaped
from lbproxy.text.units import format_duration, parse_duration

_service_option = click.option(
    "--service", metavar="NAME", help="Only in this service.  [default: every service that has the backend]")


@click.command("drain")
@click.argument("backend")
@_service_option
@click.option("--for", "time", metavar="DURATION", help="End the drain after this time.  [default: until undrain]")
@click.option("--deadline", metavar="DURATION",
              help="Reset the connections that are left after this time.  [default: never]")
@admin_option
@token_option
def drain(*, backend: str, service: str | None, time: str | None, deadline: str | None,  # noqa: PLR0913 - the options
          admin: str, admin_token_file: str | None) -> int:
    """Give a backend no new connections; it keeps those that it has.

    BACKEND is ADDRESS:PORT as lbproxy status shows it, or an address alone for all its ports. The drain persists
    across reloads and across changes in Kubernetes.
    """
    order = {"backend": backend, "service": service, "for_seconds": _seconds("--for", time),
             "deadline_seconds": _seconds("--deadline", deadline)}
    click.echo(_result(client(admin, admin_token_file).post("/drain", order), _terms(time, deadline)))
    return 0


@click.command("undrain")
@click.argument("backend")
@_service_option
@admin_option
@token_option
def undrain(backend: str, service: str | None, admin: str, admin_token_file: str | None) -> int:
    """End a drain: the backend takes new connections again.

    BACKEND is ADDRESS:PORT, or an address alone for all its ports.
    """
    order = {"backend": backend, "service": service}
    click.echo(_result(client(admin, admin_token_file).post("/undrain", order), "is no longer drained by order"))
    return 0


def _seconds(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
    if option == "--for" and not seconds:
        raise ConfigError("--for: 0 would end at once; write a duration such as 10m, or lbproxy undrain")
    return seconds


def _terms(time: str | None, deadline: str | None) -> str:
    until = "until lbproxy undrain" if time is None else f"for {format_duration(parse_duration(time))}"
    if deadline is None:
        return f"drains {until}"
    return f"drains {until}, connections left after {format_duration(parse_duration(deadline))} are reset"


def _result(answer: OrderedShape, terms: str) -> str:
    return "\n".join(line for one in answer["backends"] for line in _lines(one, terms))


def _lines(one: OrderedBackendShape, terms: str) -> Iterator[str]:
    count = one["active"]
    yield (f"{escaped(one['service'])}: {escaped(one['backend'])} {terms}; "
           f"it has {count or 'no'} connection{'s' * (count != 1)}")
    if terms.startswith("drains") and not one["others_open"]:
        yield f"warning: no other backend of {escaped(one['service'])} takes connections: its clients are refused"
