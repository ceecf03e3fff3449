"""Bounded waiting for what another process does; the one place of the benchmark that polls."""

import time
from collections.abc import Callable

PAUSE = 0.01


def wait_until(is_done: Callable[[], bool], seconds: float) -> bool:
    """Return whether `is_done` became true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True
