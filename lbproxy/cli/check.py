"""`lbproxy check`: say whether `run` would start, and with what."""

import click

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader


def _check(loader: Loader) -> int:
    click.echo(loader.load().to_yaml(), nl=False)
    return 0


command = SettingsCommand("check", _check, "Validate the configuration and print what would be in effect, "
                                           "as a file that run --config takes.")
