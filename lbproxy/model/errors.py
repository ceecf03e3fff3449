"""What can go wrong, by whose fault it is.

`ConfigError` is the user's to mend (exit code 2); `DataplaneError` is the system's, and is retried.
"""


class LbproxyError(Exception):
    """Base of every error that lbproxy raises on purpose. Its text is one complete line."""


class ConfigError(LbproxyError):
    """Bad input: says what is wrong, where, and what to write instead."""


class DataplaneError(LbproxyError):
    """A snapshot could not be applied; nothing of it was. Applying again may work."""


class BindError(DataplaneError):
    """A listen address could not be bound (in use, not ours, or not permitted): `address`, if a snapshot has it."""

    def __init__(self, text: str, address: tuple[str, int] | None = None) -> None:
        super().__init__(text)
        self.address = address
