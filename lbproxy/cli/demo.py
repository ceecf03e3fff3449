"""`lbproxy demo`: see it work, with nothing to set up."""

import re

import click

from lbproxy.model.errors import ConfigError
from lbproxy.text.quoting import quoted


@click.command("demo")
@click.option("--seconds", metavar="N", help="End after this many seconds.  [default: at Ctrl-C]")
def command(seconds: str | None) -> int:
    """Show the balancer at work, with nothing to set up.

    Starts lbproxy and three small backends, sends requests, stops a backend and starts it again, and shows where the
    requests go.
    """
    limit = None if seconds is None else _number(seconds)
    from lbproxy.demo import run  # noqa: PLC0415 - slow; neither --help nor a mistake waits for it

    return run(limit)


def _number(text: str) -> float:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) and float(text) > 0:
        return float(text)
    raise ConfigError(f"--seconds: {quoted(text)} is not a number of seconds above 0; write one, such as 5")
