"""Waits for one descriptor, with a limit: for the few places outside of the loop."""

import select

WRITABLE = select.POLLOUT | select.POLLERR | select.POLLHUP | select.POLLNVAL
READABLE = select.POLLIN | select.POLLERR | select.POLLHUP | select.POLLNVAL


def wait_until_writable(descriptor: int, timeout: float | None) -> bool:
    """Wait until a write would not block, or would fail; False after `timeout` seconds. None: as long as it takes."""
    return _wait(descriptor, WRITABLE, timeout)


def wait_until_readable(descriptor: int, timeout: float | None) -> bool:
    """Wait until a read would not block, or would fail; False after `timeout` seconds. None: as long as it takes."""
    return _wait(descriptor, READABLE, timeout)


def _wait(descriptor: int, events: int, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, events)
    return bool(poll.poll(None if timeout is None else max(0.0, timeout) * 1000))
