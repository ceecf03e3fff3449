"""A client that notices everything: asks at a steady rate, half on kept connections, and counts what went wrong.

    python -m bench.paper.asker HOST PORT PER_SECOND

Until SIGTERM, then prints its counts as JSON. A kept connection that ends before the first byte of an answer is
opened anew and the request repeated, as every HTTP client does: *retried*. Any other trouble is *failed*.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable
from dataclasses import asdict, dataclass, field

REQUEST = "GET / HTTP/1.1\r\nHost: lab\r\nConnection: {}\r\n\r\n"
SECONDS = 2.0
"""Any step that takes longer has failed."""
KEPT = 16
TROUBLE = (OSError, EOFError, TimeoutError)


@dataclass(slots=True)
class Counts:
    """What became of all requests."""

    requests: int = 0
    retried: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    """Of failures: the error's kind."""

    def fail(self, error: Exception) -> None:
        """Count a failure with its reason."""
        self.failed += 1
        name = type(error).__name__
        self.reasons[name] = self.reasons.get(name, 0) + 1


class Kept:
    """One kept connection; a request at a time."""

    def __init__(self, host: str, port: int, counts: Counts) -> None:
        self._place, self._counts = (host, port), counts
        self._lock = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self) -> None:
        """Ask on the connection, and once more on a new one when it had ended."""
        async with self._lock:
            self._counts.requests += 1
            was_open = self._writer is not None
            try:
                await within(self._once())
            except (EOFError, ConnectionError) as error:
                await self._again(error, was_open=was_open)
            except TROUBLE as error:
                self._fail(error)

    async def _again(self, error: Exception, *, was_open: bool) -> None:
        if not was_open:
            self._fail(error)
            return
        self.close()
        self._counts.retried += 1
        try:
            await within(self._once())
        except TROUBLE as again:
            self._fail(again)

    async def _once(self) -> None:
        if not self._writer:
            self._reader, self._writer = await asyncio.open_connection(*self._place)
        self._writer.write(REQUEST.format("keep-alive").encode())
        await answer(self._reader)

    def _fail(self, error: Exception) -> None:
        self._counts.fail(error)
        self.close()

    def close(self) -> None:
        """Give the connection up."""
        if self._writer:
            self._writer.close()
        self._writer = None


async def ask_once(host: str, port: int, counts: Counts) -> None:
    """Ask on a connection of its own."""
    counts.requests += 1
    try:
        await within(_single(host, port))
    except TROUBLE as error:
        counts.fail(error)


async def answer(reader: asyncio.StreamReader) -> None:
    """Read one whole answer; raises EOFError when it ends early, OSError when it is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    if " 200 " not in head.split("\r\n", 1)[0]:
        raise OSError(head.split("\r\n", 1)[0])
    length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(int(length.partition(":")[2]))


async def within(step: Awaitable[None]) -> None:
    """Await `step` for at most SECONDS; raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        await step


async def _single(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(REQUEST.format("close").encode())
        await answer(reader)
    finally:
        writer.close()


async def main() -> None:
    """Ask until SIGTERM, then wait for what is under way."""
    host, port, per_second = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    counts, ending, loop = Counts(), asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    kept = [Kept(host, port, counts) for _ in range(KEPT)]
    start = loop.time()
    async with asyncio.TaskGroup() as asking:
        number = 0
        while not ending.is_set():
            asking.create_task(kept[number // 2 % KEPT].ask() if number % 2 else ask_once(host, port, counts))
            number += 1
            await asyncio.sleep(max(start + number / per_second - loop.time(), 0))
    for connection in kept:
        connection.close()
    print(json.dumps(asdict(counts)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
