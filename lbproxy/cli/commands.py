"""`lbproxy` and its commands. Each is imported when it is called: no command waits for the imports of others."""

from importlib import import_module

import click

from lbproxy import __version__
from lbproxy.model.errors import ConfigError
from lbproxy.text.quoting import closest, listed, quoted

_COMMANDS = {
    "run": "run:command",
    "check": "check:command",
    "doctor": "doctor:command",
    "demo": "demo:command",
    "status": "queries:status",
    "top": "queries:top",
    "explain": "queries:explain",
    "drain": "drain:drain",
    "undrain": "drain:undrain",
}
"""Module of `lbproxy.cli` and name in it, in the order in which a new user needs them."""
NAMES = tuple(_COMMANDS)


class Commands(click.Group):
    """The command `lbproxy`, which imports a subcommand only when it is used."""

    def __init__(self) -> None:
        super().__init__(
            "lbproxy",
            help="A portable layer-4 (TCP) load balancer. To see it work: lbproxy demo",
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
            no_args_is_help=False,
        )
        click.version_option(__version__, message="lbproxy %(version)s")(self)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table, not of the alphabet."""
        return list(NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command. Raises `ConfigError` for an unknown name."""
        if cmd_name in _COMMANDS:
            module, _, attribute = _COMMANDS[cmd_name].partition(":")
            command = getattr(import_module(f"lbproxy.cli.{module}"), attribute)
            return command if isinstance(command, click.Command) else None
        if ctx.resilient_parsing:  # shell completion, in which nothing may be refused
            return None
        raise ConfigError(f"{quoted(cmd_name)} is not a command; {_advice(cmd_name)}")


def _advice(word: str) -> str:
    guess = closest(word, NAMES)
    return f"did you mean {guess}?" if guess else f"write {listed(NAMES)}"
