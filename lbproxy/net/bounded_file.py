"""Reads a file whose writer may never come: a FIFO, a terminal or a pipe is read for a limited time only."""

import os
import stat
from pathlib import Path
from time import monotonic

from lbproxy.net.pollable import wait_until_readable

_PIECE = 1 << 16


class FileTimeoutError(OSError):
    """The file did not come to its end in time."""


def read(path: Path, size: int, timeout: float) -> bytes:
    """Give the first `size` bytes, or all if there are fewer.

    Raises `OSError`, `ValueError` for a NUL in the path, and `FileTimeoutError` if it takes more than `timeout`
    seconds. A regular file has no limit: disks always answer, and a network file system that does not can't be
    interrupted.
    """
    # Opening a FIFO waits for its writer (fifo(7)), unless it is opened non-blocking.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _whole(descriptor, size)
        return _within(descriptor, size, monotonic() + timeout)
    finally:
        os.close(descriptor)


def _whole(descriptor: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size and (piece := os.read(descriptor, size - len(content))):
        content += piece
    return bytes(content)


def _within(descriptor: int, size: int, deadline: float) -> bytes:
    content = bytearray()
    while len(content) < size:
        # Before its first writer a FIFO reads as ended; poll(2) tells the two apart.
        if not wait_until_readable(descriptor, deadline - monotonic()):
            raise FileTimeoutError("nobody has written it to its end in time")
        try:
            piece = os.read(descriptor, min(_PIECE, size - len(content)))
        except BlockingIOError:
            continue
        if not piece:
            break
        content += piece
    return bytes(content)
