"""The options by which commands reach a running lbproxy: those of `run`, so that one environment serves both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lbproxy.config.address_kinds import AdminAddresses
from lbproxy.config.option_names import variable
from lbproxy.console.client import Client
from lbproxy.console.errors import AdminUnreachableError
from lbproxy.model.errors import ConfigError
from lbproxy.net.unix_path import UnixPath

Command = Callable[..., Any]

_ADMIN = click.option(
    "--admin", metavar="ADDRESS|unix:PATH", envvar=variable("admin"), default="127.0.0.1:9180",
    help=f"Where lbproxy's --admin is.  [default: 127.0.0.1:9180; {variable('admin')}]")
_TOKEN = click.option(
    "--admin-token-file", metavar="FILE", envvar=variable("admin_token_file"),
    help=f"The file with its token; not needed with unix:PATH.  [{variable('admin_token_file')}]")


def reading(command: Command) -> Command:
    """Give a command the option for asking: `admin`."""
    return _ADMIN(command)


def ordering(command: Command) -> Command:
    """Give a command the options for orders: `admin` and `admin_token_file`."""
    return _ADMIN(_TOKEN(command))


def client(admin: str, token_file: str | None = None) -> Client:
    """Reach it, over its Unix socket if one is named. Raises `ConfigError`."""
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
        why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "this is no text"
        raise AdminUnreachableError(f"--admin-token-file: {file}: {why}") from None
