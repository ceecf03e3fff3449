"""`lbproxy check`: whether `run` would accept the configuration, and what would be in effect."""

import click

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.runtime.dataplanes import DATAPLANES


def check_command(dataplanes: Dataplanes) -> SettingsCommand:
    """Return the command for these dataplanes. It raises `ConfigError` where `run` would."""
    def check(loader: Loader) -> int:
        config = loader.load()
        click.echo(config.to_yaml(dataplanes.hidden_options(config)), nl=False)
        return 0

    return SettingsCommand("check", check, "Validate the configuration and print it in full. The output is a file that "
                                           "run --config takes.", dataplanes)


command = check_command(DATAPLANES)
