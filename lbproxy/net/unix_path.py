"""Where a Unix socket is: what `--admin unix:/path` names, for the server and for the commands that ask it."""

from dataclasses import dataclass

from lbproxy.model.address import Address
from lbproxy.text.quoting import quoted

PREFIX = "unix:"
LONGEST = 107
"""Bytes of a path (unix(7): sun_path, less the zero at its end)."""


@dataclass(frozen=True, slots=True)
class UnixPath:
    """A path in the file system, absolute or relative to where lbproxy was started."""

    path: str

    @classmethod
    def parse(cls, text: str) -> "UnixPath":
        """Read `unix:/run/lbproxy.sock`; raise `ValueError` with what to write instead."""
        path = text.removeprefix(PREFIX)
        if not path or not path.isprintable() or path.endswith("/"):
            raise ValueError(f"{quoted(text)} names no socket; write unix:/PATH, such as unix:/run/lbproxy.sock")
        if len(path.encode()) > LONGEST:
            raise ValueError(f"{quoted(text)} is too long for a socket; write a path of {LONGEST} bytes or less")
        return cls(path)

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}"


AdminAddress = Address | UnixPath
"""One place where the admin server is reached."""
