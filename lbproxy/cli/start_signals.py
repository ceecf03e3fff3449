"""What signals do between the first line of `lbproxy run` and the loop that follows them.

By default SIGHUP and SIGUSR1 would end the process, and as PID 1 it would not even notice a SIGTERM.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lbproxy.cli.exit_codes import INTERRUPTED, SUCCESS

_IGNORED = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@contextmanager
def start_signals() -> Iterator[None]:
    """Until the block ends: SIGTERM and SIGINT end the process at once, SIGHUP and SIGUSR1 do nothing."""
    # Handlers that do nothing, not SIG_IGN: programs that are started, such as exec plugins, would inherit that.
    handlers = {signal.SIGTERM: _end, signal.SIGINT: _end, **dict.fromkeys(_IGNORED, _ignore)}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _end(number: int, _: FrameType | None) -> None:
    # Nothing has started that would have to be ended, and an exception could be swallowed by whatever is imported.
    os._exit(INTERRUPTED if number == signal.SIGINT else SUCCESS)


def _ignore(_: int, __: FrameType | None) -> None:
    """Do nothing."""
