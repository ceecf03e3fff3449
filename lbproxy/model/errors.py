"""Errors, by what must change: for `ConfigError` the input (exit code 2), for `DataplaneError` the system (retried)."""

from collections.abc import Sequence


class LbproxyError(Exception):
    """Base of every error that lbproxy raises on purpose. Its text is one complete line."""


class ConfigError(LbproxyError):
    """Bad input: says what is wrong, where, and what to write instead.

    `mistakes` are all that were found, one line each. The text is the first, with the number of the others.
    """

    def __init__(self, text: str, mistakes: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.mistakes = tuple(mistakes) or (text,)


class UnreadableFileError(ConfigError):
    """The configuration file can't be read now. Reading it again may work, although nothing has changed at it."""


class DataplaneError(LbproxyError):
    """A snapshot was not applied, and nothing of it was. Applying it again may work."""


class BindError(DataplaneError):
    """A listen address could not be bound: it is in use, not ours, or not permitted.

    `address` is its host and port; None if it is not one of a snapshot, such as the admin server's.
    """

    def __init__(self, text: str, address: tuple[str, int] | None = None) -> None:
        super().__init__(text)
        self.address = address
