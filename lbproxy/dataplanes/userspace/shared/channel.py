"""Whole messages and file descriptors between the main process and a worker, over a Unix stream socket.

A frame is a length, then a JSON object; descriptors travel with its first byte (unix(7), SCM_RIGHTS).
Nothing here blocks: what the other side does not take yet waits in an outbox.
"""

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Message = dict[str, Any]
"""A JSON object; `op` says what it is about."""

LENGTH_BYTES = 4
READ_BYTES = 256 * 1024
MAX_DESCRIPTORS = 253
"""Descriptors that one message can carry (the kernel's SCM_MAX_FD)."""


class Channel:
    """One side of the connection; owns the socket. Used in the running loop, which calls back.

    `on_message` gets each message with its descriptors, which are its own to close. `on_end` is called once, when the
    other side is gone, but not after `close`.
    """

    def __init__(self, sock: socket.socket, on_message: Callable[[Message, list[int]], None],
                 on_end: Callable[[], None]) -> None:
        self._socket = sock
        self._on_message, self._on_end = on_message, on_end
        self._loop = asyncio.get_running_loop()
        self._outbox: deque[tuple[bytes, Sequence[int]]] = deque()
        self._inbox = bytearray()
        self._descriptors: deque[int] = deque()
        sock.setblocking(False)  # noqa: FBT003 - its only argument
        self._loop.add_reader(sock.fileno(), self._read)

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Queue a message; descriptors are duplicated for the other side. Does nothing once closed."""
        if self._socket.fileno() < 0:
            return
        body = json.dumps({**message, "descriptors": len(descriptors)}).encode()
        duplicates = [os.dup(descriptor) for descriptor in descriptors]  # the caller may close its own meanwhile
        self._outbox.append((len(body).to_bytes(LENGTH_BYTES, "big") + body, duplicates))
        if len(self._outbox) == 1:
            self._write()

    def close(self) -> None:
        """Close this side and its socket; what was not sent yet is dropped."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
            for _, descriptors in self._outbox:
                _close(descriptors)
            self._outbox.clear()

    def _write(self) -> None:
        while self._outbox:
            frame, descriptors = self._outbox[0]
            try:
                sent = socket.send_fds(self._socket, [frame], list(descriptors))
            except BlockingIOError:
                self._loop.add_writer(self._socket.fileno(), self._write)
                return
            except OSError:
                self._end()
                return
            _close(descriptors)
            if sent < len(frame):
                self._outbox[0] = (frame[sent:], ())
            else:
                self._outbox.popleft()
        self._loop.remove_writer(self._socket.fileno())

    def _read(self) -> None:
        try:
            received, descriptors, _, _ = socket.recv_fds(self._socket, READ_BYTES, MAX_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            received, descriptors = b"", []
        self._descriptors.extend(descriptors)
        self._inbox += received
        for message in self._frames():
            self._on_message(message, [self._descriptors.popleft() for _ in range(message["descriptors"])])
        if not received:
            self._end()

    def _frames(self) -> Iterator[Message]:
        while len(self._inbox) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(self._inbox[:LENGTH_BYTES], "big")
            if len(self._inbox) < end:
                return
            body = bytes(self._inbox[LENGTH_BYTES:end])
            del self._inbox[:end]
            yield json.loads(body)

    def _end(self) -> None:
        if self._socket.fileno() >= 0:
            self.close()
            self._on_end()


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
