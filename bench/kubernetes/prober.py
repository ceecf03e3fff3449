"""Small requests on one kept connection, one after the other: the longest shows for how long a worker was busy."""

import socket
import threading
import time
from types import TracebackType
from typing import Self

from bench.errors import BenchError
from bench.net import Address

PAUSE = 0.002
"""Seconds between two requests: one that falls on a stall of a few milliseconds waits for most of it."""
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
TIMEOUT = 10.0


class Prober:
    """Asks while the block lasts. `durations` are seconds, one per request."""

    def __init__(self, address: Address) -> None:
        self.durations: list[float] = []
        self._socket = socket.create_connection((address.host, address.port), timeout=TIMEOUT)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._ending.wait(PAUSE):
            began = time.monotonic()
            self._socket.sendall(REQUEST)
            if not self._socket.recv(4096):
                raise BenchError("the kept connection was closed")
            self.durations.append(time.monotonic() - began)
