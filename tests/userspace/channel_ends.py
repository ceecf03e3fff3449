"""Two channels that are connected, and files whose descriptors can be sent over them."""

import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from lbproxy.dataplanes.userspace.shared.channel import Channel, Message


class ChannelEnd:
    """One side, and what it was told."""

    def __init__(self, sock: socket.socket) -> None:
        self.messages: list[Message] = []
        self.contents: list[list[bytes]] = []
        """Of the files that came with each message."""
        self.ends = 0
        self.channel = Channel(sock, self._on_message, self._on_end)

    def _on_message(self, message: Message, descriptors: list[int]) -> None:
        del message["descriptors"]
        self.messages.append(message)
        self.contents.append([_read_and_close(descriptor) for descriptor in descriptors])

    def _on_end(self) -> None:
        self.ends += 1


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[ChannelEnd, ChannelEnd]]:
    sides = [ChannelEnd(sock) for sock in socket.socketpair()]
    try:
        yield sides[0], sides[1]
    finally:
        for side in sides:
            side.channel.close()


@contextmanager
def files(contents: Sequence[bytes]) -> Iterator[list[int]]:
    """Open files with these contents."""
    descriptors = [os.memfd_create("test") for _ in contents]
    for descriptor, content in zip(descriptors, contents, strict=True):
        os.pwrite(descriptor, content, 0)
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def _read_and_close(descriptor: int) -> bytes:
    try:
        return os.pread(descriptor, 100, 0)
    finally:
        os.close(descriptor)
