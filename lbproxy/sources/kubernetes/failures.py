"""What can go wrong between us and an API server. None of it changes what is published.

Each says what became of the request; `Watch` decides from the type whether to resume or to list anew.
"""

from lbproxy.model.errors import LbproxyError

ORDINARY = frozenset({"expired", "stalled", "timer"})


class ApiError(LbproxyError):
    """A request failed; trying again may work. The text says why, and holds nothing secret."""

    retry_after: float = 0.0
    """Seconds that the server asks us to wait at least."""


class ApiUnreachableError(ApiError):
    """No connection, or it broke, or nothing came in time."""


class ApiRefusedError(ApiError):
    """The server answered with another HTTP status than 200."""

    def __init__(self, text: str, status: int, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.status, self.retry_after = status, retry_after


class RelistError(ApiError):
    """The watch can't be resumed: only a new list tells the truth. `reason` is a word for the metric."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason

    @property
    def is_ordinary(self) -> bool:
        """It happens in a healthy cluster: no trouble, unless the list that follows fails."""
        return self.reason in ORDINARY


class StalledError(RelistError):
    """Nothing came for longer than a living watch is silent."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "stalled")


class GarbledError(RelistError):
    """The answer is not what the API's types say."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "garbled")


class ExpiredError(RelistError):
    """HTTP 410, as a status or inside the stream: the version is too old."""

    def __init__(self) -> None:
        super().__init__("the resource version has expired", "expired")
