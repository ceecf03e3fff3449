"""What can go wrong when another lbproxy is asked."""

from lbproxy.model.errors import LbproxyError


class ConsoleError(LbproxyError):
    """The command failed, though it was written as it should be (exit code 1)."""


class AdminUnreachableError(ConsoleError):
    """Nobody answers, or somebody else."""


class AnswerError(ConsoleError):
    """lbproxy says no; the text is its reason."""
