"""Bytes as they come to whole lines, however long; what follows the last line break is dropped.

A watch that breaks off in mid-line has not said that line: it says it again when resumed.
"""

from collections.abc import AsyncIterator

from lbproxy.sources.kubernetes.failures import GarbledError

LONGEST = 16 << 20
"""Bytes. An object in etcd is at most 1.5 MiB by default."""


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give each line that is not empty, without its end."""
    pending: list[bytes] = []
    size = 0
    async for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            pending.append(line)
            if joined := b"".join(pending).strip():
                yield joined
            pending, size = [], 0
        pending.append(rest)
        size += len(rest)
        if size > LONGEST:
            raise GarbledError(f"a line is longer than {LONGEST >> 20} MiB")
