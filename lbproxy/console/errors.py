"""What can go wrong when a command asks a running lbproxy."""

from lbproxy.model.errors import LbproxyError


class ConsoleError(LbproxyError):
    """The command was written correctly and failed (exit code 1). Its text is one line."""


class AdminUnreachableError(ConsoleError):
    """No admin server of an lbproxy answers at the address."""


class AnswerError(ConsoleError):
    """The admin server refuses the request; the text is its reason."""
