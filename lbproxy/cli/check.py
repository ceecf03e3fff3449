"""`lbproxy check`: whether `run` would accept the configuration, and what would be in effect."""

from collections.abc import Sequence

import click

from lbproxy.cli import output
from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Loader
from lbproxy.config.warnings import ignored_weights
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.model.errors import ConfigError
from lbproxy.runtime.dataplanes import DATAPLANES

_MISTAKE = 2


def check_command(dataplanes: Dataplanes) -> SettingsCommand:
    """Return the command for these dataplanes. Where `run` names the first mistake, it names all of them."""
    def check(loader: Loader) -> int:
        try:
            config = loader.load()
        except ConfigError as error:
            return _refused(error.mistakes)
        for warning in ignored_weights(config):
            output.say(f"warning: {warning}")
        click.echo(config.to_yaml(dataplanes.hidden_options(config)), nl=False)
        click.echo("# valid")  # a comment, because the output is a file too
        return 0

    return SettingsCommand("check", check, "Validate the configuration and print it in full. The output is a file that "
                                           "run --config takes. What is wrong is printed on stderr, a line for each "
                                           "mistake, and their number.", dataplanes)


def _refused(mistakes: Sequence[str]) -> int:
    for line in [*mistakes, f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"]:
        output.say(line)
    return _MISTAKE


command = check_command(DATAPLANES)
