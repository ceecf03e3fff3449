"""`lbproxy` and its commands, each imported when it is called: none waits for another's imports."""

from importlib import import_module

import click

from lbproxy import __version__
from lbproxy.model.errors import ConfigError
from lbproxy.text.quoting import closest, listed, quoted

NAMES = ("run", "check", "doctor", "demo", "status", "top", "explain", "drain", "undrain")


class Commands(click.Group):
    """The program itself."""

    def __init__(self) -> None:
        super().__init__(
            "lbproxy",
            help="A portable layer-4 (TCP) load balancer. To see it work: lbproxy demo",
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
            no_args_is_help=False,
        )
        click.version_option(__version__, message="lbproxy %(version)s")(self)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the names in the order in which a newcomer wants them."""
        return list(NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command: `lbproxy.cli.<name>.command`."""
        if cmd_name in NAMES:
            command = import_module(f"lbproxy.cli.{cmd_name}").command
            return command if isinstance(command, click.Command) else None
        if ctx.resilient_parsing:  # completing words in a shell, where nothing may be refused
            return None
        raise ConfigError(f"{quoted(cmd_name)} is not a command; {_advice(cmd_name)}")


def _advice(word: str) -> str:
    guess = closest(word, NAMES)
    return f"did you mean {guess}?" if guess else f"write {listed(NAMES)}"
