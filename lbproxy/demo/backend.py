"""One small HTTP backend, a program of its own: `python -m lbproxy.demo.backend NAME PORT`.

It stops as a good pod does: at SIGTERM it closes its port, finishes every open request, and exits with 0.
"""

import asyncio
import signal
import socket
import sys
from contextlib import suppress

SLOW_SECONDS = 0.8
"""How long `/slow` takes, so that there are always open connections to count."""
REQUEST_TIMEOUT = 5.0
"""Seconds for a client to send its request and take the answer, in addition to the time that the answer needs."""
BACKLOG = 128
END_OF_REQUEST = b"\r\n\r\n"


class HttpBackend:
    """Answers every request with its name; each is a task of `requests`."""

    def __init__(self, name: str, listener: socket.socket, requests: asyncio.TaskGroup) -> None:
        self._name, self._listener, self._requests = name, listener, requests
        self._answered = 0

    def accept(self) -> None:
        """Accept every connection that waits."""
        with suppress(BlockingIOError):
            while True:
                # All that wait, as one readiness event may stand for several clients.
                client, _ = self._listener.accept()
                self._requests.create_task(self._serve(client), name="request")

    def close(self) -> None:
        """Stop listening. Connections that wait are accepted first: closing the socket would reset them."""
        self.accept()
        self._listener.close()

    async def _serve(self, client: socket.socket) -> None:
        # A health check connects and sends nothing, which is no error.
        with suppress(OSError, EOFError, asyncio.LimitOverrunError):
            reader, writer = await asyncio.open_connection(sock=client)
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT + SLOW_SECONDS):
                    writer.write(await self._answer(await reader.readuntil(END_OF_REQUEST)))
                    await writer.drain()
            finally:
                writer.close()
            await writer.wait_closed()

    async def _answer(self, request: bytes) -> bytes:
        if request.startswith(b"GET /slow"):
            await asyncio.sleep(SLOW_SECONDS)
        self._answered += 1
        body = f"{self._name} answers its request number {self._answered}.\n".encode()
        return _head(self._name, len(body)) + body


async def main(name: str, port: int) -> None:
    """Answer on that port of 127.0.0.1 until SIGTERM, then finish the open requests. Raises `OSError`."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncio.TaskGroup() as requests:
        listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        listener.settimeout(0)
        backend = HttpBackend(name, listener, requests)
        loop.add_reader(listener, backend.accept)
        await stop.wait()
        # Before the socket is closed: the loop must not watch a descriptor that may be another file's next.
        loop.remove_reader(listener)
        backend.close()


def _head(name: str, length: int) -> bytes:
    lines = ("HTTP/1.1 200 OK", "Content-Type: text/plain", f"Content-Length: {length}", f"X-Backend: {name}",
             "Connection: close", "", "")
    return "\r\n".join(lines).encode()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
