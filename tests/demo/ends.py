import os
import select
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.support.patience import PATIENCE


@contextmanager
def handles(pids: Iterable[int]) -> Iterator[list[int]]:
    """Give descriptors that become readable when these processes end, whoever else waits for them (pidfd_open(2))."""
    descriptors = [os.pidfd_open(pid) for pid in pids]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def all_end(descriptors: Iterable[int]) -> bool:
    """Wait until all of these processes have ended."""
    return all(_ends(descriptor) for descriptor in descriptors)


def _ends(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(PATIENCE * 1000))
