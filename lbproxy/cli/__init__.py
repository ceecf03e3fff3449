"""The command line: argv and environment in, an exit code out. Nothing else reads either.

0 is success, 1 is a command that failed, 2 is a mistake of the user's; either is one line on stderr. 130 is Ctrl-C.
"""

import sys
from collections.abc import Sequence

import click

from lbproxy.cli.commands import Commands
from lbproxy.cli.failures import line_of
from lbproxy.console.errors import ConsoleError
from lbproxy.model.errors import BindError, ConfigError
from lbproxy.text.quoting import escaped

_FAILURE, _MISTAKE, _INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; without arguments, those of this process."""
    try:
        return int(Commands().main(arguments, prog_name="lbproxy", standalone_mode=False) or 0)
    except (ConfigError, BindError, click.ClickException) as mistake:
        print(f"lbproxy: {line_of(mistake)}", file=sys.stderr)  # noqa: T201 - what a command line is for
        return _MISTAKE
    except ConsoleError as failure:
        print(f"lbproxy: {escaped(str(failure))}", file=sys.stderr)  # noqa: T201 - what a command line is for
        return _FAILURE
    except click.Abort:
        return _INTERRUPTED
