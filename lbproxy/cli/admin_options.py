"""The options that say where a running lbproxy is: those of `run`, so that one environment serves both."""

from pathlib import Path

import click

from lbproxy.config.address_kinds import AdminAddresses
from lbproxy.config.option_names import variable
from lbproxy.console.client import Client
from lbproxy.console.errors import AdminUnreachableError
from lbproxy.model.errors import ConfigError
from lbproxy.net.unix_path import UnixPath

admin_option = click.option(
    "--admin", metavar="ADDRESS|unix:PATH", envvar=variable("admin"), default="127.0.0.1:9180",
    help=f"The --admin address of the running lbproxy.  [default: 127.0.0.1:9180; {variable('admin')}]")
"""For every command that asks; passed on as `admin`."""
token_option = click.option(
    "--admin-token-file", metavar="FILE", envvar=variable("admin_token_file"),
    help=f"The file with its token; not needed with unix:PATH.  [{variable('admin_token_file')}]")
"""For commands that change something; passed on as `admin_token_file`."""


def client(admin: str, token_file: str | None = None) -> Client:
    """Return a client, which connects when it is used.

    Of several addresses a Unix socket is preferred: it needs no token. Raises `ConfigError` for a wrong address, and
    `AdminUnreachableError` for a token that can't be read.
    """
    try:
        addresses = AdminAddresses().read(admin)
    except ValueError as error:
        raise ConfigError(f"--admin: {error}") from None
    if not addresses:
        raise ConfigError("--admin: off can't be asked; write an address or unix:PATH")
    address = next((one for one in addresses if isinstance(one, UnixPath)), addresses[0])
    return Client(address, "" if token_file is None or isinstance(address, UnixPath) else _token(token_file))


def _token(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, ValueError) as error:
        why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not text"
        raise AdminUnreachableError(f"--admin-token-file: {file}: {why}") from None
