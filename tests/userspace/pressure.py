"""Making a stream stop for want of room, and looking at what is held back then."""

import random

from lbproxy.dataplanes.userspace.worker.connection import End

from .harness import Harness
from .peers import Peer, until

MEGABYTE = random.Random(1).randbytes(1 << 20)
"""Nothing in it repeats: a shift would show."""
NARROW = 4096
"""Bytes of a buffer that is full at once."""


async def fill(harness: Harness, sender: Peer) -> int:
    """Send until nothing moves any more, and say how many bytes were taken; they are MEGABYTE over and over."""
    await until(lambda: len(harness.connections) > 0)
    sent = 0
    while taken := sender.send_now(MEGABYTE[sent % len(MEGABYTE):]):
        sent += taken
        while harness.engine._byte_loop.run():
            pass
    return sent


def repeated(size: int) -> bytes:
    """So many bytes as `fill` sends them."""
    return (MEGABYTE * (size // len(MEGABYTE) + 1))[:size]


def ends(harness: Harness) -> list[End]:
    """All ends of the connections that relay."""
    return [end for connection in harness.connections for end in (connection.client, connection.server)]


def held(end: End) -> int:
    """How many bytes are kept aside for it."""
    return len(end.unsent or b"")
