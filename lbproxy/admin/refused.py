"""An answer that says no, with the reason in one line and what to do instead."""

from collections.abc import Mapping


class RequestRefusedError(Exception):
    """Ends a request: the status, and the line that the client gets. Nothing was changed."""

    def __init__(self, status: int, line: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(line)
        self.status, self.line, self.headers = status, line, headers
