"""A pod that takes its time: some requests are short, a few are long, and it does few of them at once.

    python -m bench.paper.slow_pod HOST PORT FACTOR

FACTOR makes it so many times slower. It sleeps instead of working: what is measured is where connections go, not what
they cost. `/state` is how many connections it had on average, and how many requests it answered.
"""

import asyncio
import json
import random
import sys
from dataclasses import dataclass, field

SHORT, LONG = 0.004, 0.040  # seconds
LONG_SHARE = 0.1
AT_ONCE = 4
STATE = b"GET /state"


@dataclass(slots=True)
class SlowPod:
    """Serves, and keeps account of its connections."""

    factor: float
    connections: int = 0
    answered: int = 0
    area: float = 0.0
    since: float = 0.0
    changed: float = 0.0
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's one request."""
        self.count(1)
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            body = self.state() if request.startswith(STATE) else await self.work()
            writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # a client that gave up, or a check that only connected
        finally:
            writer.close()
            self.count(-1)

    async def work(self) -> str:
        """Take as long as a request takes."""
        async with self.room:
            length = LONG if random.random() < LONG_SHARE else SHORT
            await asyncio.sleep(length * self.factor)
        self.answered += 1
        return "done\n"

    def count(self, change: int) -> None:
        """Note that a connection came or went."""
        now = asyncio.get_running_loop().time()
        self.area += self.connections * (now - self.changed)
        self.connections += change
        self.changed = now

    def state(self) -> str:
        """Return the average of connections since it was last asked, and start over."""
        now = asyncio.get_running_loop().time()
        average = self.area / max(now - self.since, 1e-9)
        self.area, self.since = 0.0, now
        said = json.dumps({"connections": average, "answered": self.answered})
        self.answered = 0
        return said


async def main() -> None:
    """Serve until ended."""
    host, port, factor = sys.argv[1:]
    pod = SlowPod(float(factor))
    server = await asyncio.start_server(pod.serve, host, int(port), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
