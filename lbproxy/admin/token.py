"""The secret that orders over TCP must show. Read anew for each: who replaces the file replaces the secret."""

import hmac
import stat
from pathlib import Path

SHORTEST, LONGEST = 16, 4096
"""Bytes of a token; longer files are something else."""


class TokenError(Exception):
    """The file can't be used; its text is one line that does not tell what is in the file."""


class TokenFile:
    """A file with a token; white space around it is not part of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes:
        """Give the token as it is now. Raises `TokenError`."""
        try:
            with self.path.open("rb") as file:
                token = file.read(LONGEST + 1).strip()
        except OSError as error:
            raise TokenError(f"{self.path}: {(error.strerror or str(error)).lower()}; "
                             "write the path of a file with a token") from None
        if not SHORTEST <= len(token) <= LONGEST or len(token.split()) != 1:
            raise TokenError(f"{self.path}: this is no token; write one word of at least {SHORTEST} characters, "
                             "such as openssl rand -hex 32 prints")
        return token

    def is_shown_by(self, header: str) -> bool:
        """Whether an Authorization header is `Bearer` and the token. Takes as long for any wrong one."""
        scheme, _, shown = header.partition(" ")
        return hmac.compare_digest(shown.strip().encode(errors="surrogateescape"), self.read()) and (
            scheme.lower() == "bearer")

    def is_open_to_all(self) -> bool:
        """Whether every user of this machine may read it, as with a mounted Secret unless `defaultMode` forbids it."""
        return bool(self.path.stat().st_mode & stat.S_IROTH)
