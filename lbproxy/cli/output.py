"""Standard output as commands need it: it takes every character, and a failure to write is one line, no traceback."""

import codecs
import errno
import io
import os
import sys
from contextlib import suppress

from lbproxy.text.quoting import escaped

HANDLER = "lbproxy-plain"
PLAIN = {"→": "->", "…": "...", "·": "-", "—": "-", "•": "*", "─": "-", "│": "|", "✓": "+",
         "✗": "x", "≥": ">=", "≤": "<=", "●": "*", "○": "o"}
"""For terminals that are not UTF-8."""
FAILURES = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EAGAIN, errno.ENXIO,
            errno.EINVAL}
"""Of a write: its reader went away, the disk is full, the terminal is gone, or the descriptor is not open for it."""


def tolerate_every_character() -> None:
    """From now on replace what the terminal's encoding lacks: an arrow by `->`, anything else by its code."""
    codecs.register_error(HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in {"strict", "surrogateescape"}:
            stream.reconfigure(errors=HANDLER)


def say(line: str) -> None:
    """Write a line for people to standard error, escaped; where that is closed or full there is no other place."""
    # It may quote arguments or a server's answer: a terminal must obey neither.
    with suppress(OSError):
        print(f"lbproxy: {escaped(line)}", file=sys.stderr, flush=True)  # noqa: T201 - what a command line is for


def is_failure(error: OSError) -> bool:
    """Whether it says that standard output could not be written."""
    return error.errno in FAILURES


def discard() -> None:
    """Drop what is still buffered: the interpreter would try to write it once more when it ends, with a traceback."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start:error.end]
    return "".join(PLAIN.get(char) or char.encode("unicode-escape").decode() for char in text), error.end
