"""Every mistake of the user's as one line: where, what is wrong, what to write instead."""

import click

from lbproxy.model.errors import LbproxyError
from lbproxy.text.quoting import cut, escaped


def line_of(mistake: LbproxyError | click.ClickException) -> str:
    """Give the line, without anything that a terminal would obey."""
    return escaped(_usage(mistake) if isinstance(mistake, click.ClickException) else str(mistake))


def _usage(mistake: click.ClickException) -> str:
    advice = _advice(mistake)
    match mistake:
        case click.NoSuchOption(option_name=name, possibilities=guesses):
            return f"{cut(name)}: unknown option; {f'did you mean {guesses[0]}?' if guesses else advice}"
        case click.MissingParameter():
            return f"{mistake.format_message().rstrip('.')}; {advice}"
        case click.BadOptionUsage(option_name=name, message=message):
            return f"{name}: {message.removeprefix(f'Option {name!r} ').rstrip('.')}; {advice}"
    return f"{cut(mistake.message).rstrip('.')}; {advice}"


def _advice(mistake: click.ClickException) -> str:
    context = mistake.ctx if isinstance(mistake, click.UsageError) else None
    if context and not context.parent:
        return "write a command first, such as lbproxy run, or see lbproxy --help"
    return f"see {context.command_path if context else 'lbproxy run'} --help"
