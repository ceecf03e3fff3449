"""Descriptors 0, 1 and 2 are always open: whoever opened a socket as one of them would have it written to.

libuv ends a process that spawns another one while one of the three is not what it takes it for.
"""

import io
import os
import sys
from typing import TextIO


def open_closed_ones() -> None:
    """Open on /dev/null those that are closed, and give Python the streams on them that it lacks then.

    Call before anything else is opened.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - the lowest free one is this one
    sys.stdin = sys.stdin or _stream(0, "r")
    sys.stdout = sys.stdout or _stream(1, "w")
    sys.stderr = sys.stderr or _stream(2, "w")


def _stream(descriptor: int, mode: str) -> TextIO:
    raw = io.FileIO(descriptor, mode, closefd=False)  # not closed: it is for good
    buffered = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, errors="backslashreplace")
