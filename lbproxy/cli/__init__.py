"""The command line: argv and environment in, an exit code out. No other module reads either.

0 is success, 1 a command that failed, 2 a mistake in what the user wrote; both are one line on stderr. 130 is Ctrl-C.
"""

import errno
import sys
from collections.abc import Sequence
from contextlib import nullcontext

import click

from lbproxy.cli import output
from lbproxy.cli.commands import Commands
from lbproxy.cli.exit_codes import FAILURE, INTERRUPTED, MISTAKE
from lbproxy.cli.start_signals import start_signals
from lbproxy.console.errors import ConsoleError
from lbproxy.model.errors import BindError, ConfigError, LbproxyError
from lbproxy.net.standard_descriptors import open_closed_ones
from lbproxy.text.quoting import cut

RUN = "run"
_SINGULAR = {"backends": "backend"}
"""Options that are not called like their keys of the file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; without arguments, those of this process.

    A bug is raised as it is: only mistakes of the user and known failures become a line.
    """
    open_closed_ones()
    output.tolerate_every_character()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        with start_signals() if given[:1] == [RUN] else nullcontext():
            code = _run(arguments)
        sys.stdout.flush()  # here, not when the interpreter ends: it would write a traceback
    except OSError as error:
        if not output.is_failure(error):
            raise
        output.discard()
        return _unwritten(error)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return int(Commands().main(arguments, prog_name="lbproxy", standalone_mode=False) or 0)
    except (ConfigError, BindError) as mistake:
        return _failed(str(mistake), MISTAKE)
    except click.ClickException as mistake:
        return _failed(_usage(mistake), MISTAKE)
    except ConsoleError as failure:
        return _failed(str(failure), FAILURE)
    except LbproxyError as failure:
        return _failed(str(failure), FAILURE)
    except click.Abort:
        return INTERRUPTED


def _unwritten(error: OSError) -> int:
    if error.errno == errno.EPIPE:  # whoever read the output has seen enough, such as head(1)
        return FAILURE
    return _failed(f"can't write the output: {error.strerror or error}", FAILURE)


def _failed(line: str, code: int) -> int:
    output.say(line)
    return code


def _usage(mistake: click.ClickException) -> str:
    """Say in one line where the mistake is, what is wrong, and what to write instead."""
    advice = _advice(mistake)
    match mistake:
        case click.NoSuchOption(option_name=name, possibilities=guesses):
            guess = f"did you mean {guesses[0]}?" if guesses else advice
            return f"{cut(name)}: unknown option; {_our_option(name) or guess}"
        case click.MissingParameter():
            return f"{mistake.format_message().rstrip('.')}; {advice}"
        case click.BadOptionUsage(option_name=name, message=message):
            return f"{name}: {message.removeprefix(f'Option {name!r} ').rstrip('.')}; {advice}"
    return f"{cut(mistake.message).rstrip('.')}; {advice}"


def _our_option(name: str) -> str:
    from lbproxy.config.foreign_words import our_key  # noqa: PLC0415 - what is right need not wait for it

    ours = our_key(name)
    return f"lbproxy calls it --{_SINGULAR.get(ours, ours)}" if ours else ""


def _advice(mistake: click.ClickException) -> str:
    context = mistake.ctx if isinstance(mistake, click.UsageError) else None
    if context and not context.parent:
        return "write a command first, such as lbproxy run, or see lbproxy --help"
    return f"see {context.command_path if context else 'lbproxy run'} --help"
