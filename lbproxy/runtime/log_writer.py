"""Writes log lines to a descriptor from a thread of its own, so that whoever reads them can't hold up the program.

A reader that went away, a full disk or a reader that is stuck costs log lines, which are counted, and nothing else.
"""

import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from lbproxy.net.pollable import wait_until_writable

MOST_LINES = 10_000
MOST_BYTES = 4 * 1024 * 1024
"""Of what waits to be written: some seconds of a burst. A reader that is slower than the log loses what is beyond."""
AT_ONCE = select.PIPE_BUF
"""Bytes that a pipe with room takes in one piece (pipe(7)): all that is written where no thread may wait for more."""
REASONS = {errno.EPIPE: "reader_gone", errno.EIO: "reader_gone", errno.ECONNRESET: "reader_gone",
           errno.ENOTCONN: "reader_gone", errno.ENOSPC: "no_space", errno.EDQUOT: "no_space", errno.EFBIG: "no_space",
           errno.EBADF: "closed"}
QUEUE_FULL, OTHER = "queue_full", "error"
DROP_REASONS = (*dict.fromkeys(REASONS.values()), QUEUE_FULL, OTHER)
"""Why lines are dropped."""


class LogWriter:
    """Writes to `descriptor`, which stays its owner's. `count_dropped` gets the reason of each line that is lost.

    `count_dropped` is called from several threads.
    """

    def __init__(self, descriptor: int, count_dropped: Callable[[str], None]) -> None:
        self._descriptor, self._count_dropped = descriptor, count_dropped
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._is_writing = self._is_torn = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def write(self, line: str) -> None:
        """Queue one line, which has no newline at its end. Never waits, never raises."""
        data = line.encode(errors="backslashreplace") + b"\n"
        with self._changed:
            if len(self._lines) >= MOST_LINES or self._bytes + len(data) > MOST_BYTES:
                self._count_dropped(QUEUE_FULL)
            else:
                self._lines.append(data)
                self._bytes += len(data)
                self._changed.notify_all()
            has_thread = self._has_thread()
        if not has_thread:
            self._write_what_fits()

    def flush(self, timeout: float) -> bool:
        """Wait until all is written or dropped, at most `timeout` seconds; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._is_writing, timeout)

    def _has_thread(self) -> bool:
        """Start the thread, if that has not been possible yet: a limit of processes (pids.max) refuses it."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="log", daemon=True)  # a stuck one must not hold up the end
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._lines))
                line = self._take()
            self._put(line)
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()

    def _take(self) -> bytes:
        line = self._lines.popleft()
        self._bytes -= len(line)
        self._is_writing = True
        return line

    def _put(self, line: bytes) -> None:
        rest = b"\n" + line if self._is_torn else line
        try:
            while rest:
                rest = rest[self._write_some(rest):]
        except OSError as error:
            self._count_dropped(REASONS.get(error.errno or 0, OTHER))
            self._is_torn |= 0 < len(rest) < len(line)
        else:
            self._is_torn = False

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # whoever started us made it non-blocking, for all that share it
            wait_until_writable(self._descriptor, None)
            return 0

    def _write_what_fits(self) -> None:
        """Without a thread: write what can be written without waiting."""
        deadline = monotonic()
        while self._lines and wait_until_writable(self._descriptor, deadline - monotonic()):
            with self._changed:
                line = self._take()
            self._put(line[:AT_ONCE])
            self._is_writing = False
