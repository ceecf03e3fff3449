"""The path of a Unix socket, as in `--admin unix:/path`: for the admin server and the commands that ask it. Pure."""

from dataclasses import dataclass

from lbproxy.model.address import Address
from lbproxy.text.quoting import quoted

PREFIX = "unix:"
LONGEST = 107
"""Bytes of a path: `sun_path` has 108, and a zero ends it (unix(7))."""


@dataclass(frozen=True, slots=True)
class UnixPath:
    """A path in the file system, absolute or relative to the working directory. Nothing is looked up."""

    path: str

    @classmethod
    def parse(cls, text: str) -> "UnixPath":
        """Read `unix:/run/lbproxy.sock`; raise `ValueError` with what to write instead."""
        path = text.removeprefix(PREFIX)
        if not path or not path.isprintable() or path.endswith("/"):
            raise ValueError(f"{quoted(text)} is not the path of a socket; "
                             "write unix:/PATH, such as unix:/run/lbproxy.sock")
        if len(path.encode()) > LONGEST:
            raise ValueError(f"{quoted(text)} is too long for a socket; write a path of {LONGEST} bytes or less")
        return cls(path)

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}"


AdminAddress = Address | UnixPath
"""One address at which the admin server is reached."""
