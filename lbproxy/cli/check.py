"""`lbproxy check`: say whether `run` would start, and with what."""

import click

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.runtime.dataplanes import DATAPLANES


def check_command(dataplanes: Dataplanes) -> SettingsCommand:
    """Make the command for these dataplanes."""
    def check(loader: Loader) -> int:
        config = loader.load()
        click.echo(config.to_yaml(dataplanes.hidden_options(config)), nl=False)
        return 0

    return SettingsCommand("check", check, "Validate the configuration and print what would be in effect, as a file "
                                           "that run --config takes.", dataplanes)


command = check_command(DATAPLANES)
