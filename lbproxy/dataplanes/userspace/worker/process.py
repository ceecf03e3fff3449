"""The worker process itself: it obeys the messages of the main process. It logs nothing; events go to the main process.

When the main process dies, the worker stops accepting and serves its connections to their end, so that a new lbproxy
can bind the same addresses at once.
"""

import asyncio
import gc
import os
import signal
import socket
import sys

import uvloop

from lbproxy.dataplanes.userspace.shared import counters, wire
from lbproxy.dataplanes.userspace.shared.channel import Channel, Message
from lbproxy.dataplanes.userspace.worker.engine import Engine
from lbproxy.model.address import Address
from lbproxy.net.limits import raise_descriptor_limit
from lbproxy.net.standard_descriptors import open_closed_ones

ORPHAN_LIFE = 300.0
"""Seconds that connections may go on after the main process died."""
ORPHAN_POLL = 1.0
"""Seconds between two looks whether they have ended."""


class Worker:
    """Obeys the messages of the main process."""

    def __init__(self, index: int, blocks: list[memoryview], control: socket.socket, descriptors: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._engine = Engine(index, blocks, descriptors, self._report)
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._watched = os.dup(control.fileno())  # outlives the channel, which closes its own when it ends
        self._engine.own_loop(self._watched)
        self._channel = Channel(control, self._obey, self._on_orphaned)

    async def run(self) -> None:
        """Serve until told to exit, or until the last connection of an orphan has ended."""
        await self._ended
        self._engine.share_loop()
        os.close(self._watched)
        self._engine.close()
        self._channel.close()

    def _obey(self, message: Message, descriptors: list[int]) -> None:
        match message:
            case {"op": wire.PUT_SERVICE, "name": name, "slot": slot, "policy": policy}:
                self._engine.put_service(name, slot, wire.policy_from(policy))
            case {"op": wire.PUT_MEMBERS, "name": name, "members": members}:
                self._engine.put_members(name, [wire.member_from(row) for row in members])
            case {"op": wire.DROP_MEMBERS, "name": name, "addresses": addresses}:
                self._engine.drop_members(name, [Address(*address) for address in addresses])
            case {"op": wire.DROP_SERVICE, "name": name}:
                self._engine.drop_service(name)
            case {"op": wire.LISTEN, "name": name, "address": address}:
                self._engine.listen(name, Address(*address), descriptors[0])
            case {"op": wire.UNLISTEN, "address": address}:
                self._engine.unlisten(Address(*address))
            case {"op": wire.SYNC, "version": version}:
                self._channel.send({"op": wire.SYNCED, "version": version})
            case {"op": wire.ASK, "number": number, "name": name, "leaving": leaving}:
                answer = self._engine.describe_choice(name, [Address(*address) for address in leaving])
                self._channel.send({"op": wire.ANSWER, "number": number, **answer})
            case {"op": wire.EXIT}:
                self._end()
            case _:
                raise ValueError(f"a worker can't obey {message!r}")

    def _report(self, event: str, fields: dict[str, object]) -> None:
        self._channel.send({"op": wire.EVENT, "event": event, **fields})

    def _on_orphaned(self) -> None:
        if not self._ended.done():
            self._engine.share_loop()
            self._engine.stop_accepting()
            self._loop.call_later(ORPHAN_LIFE, self._end)
            self._watch_orphan()

    def _watch_orphan(self) -> None:
        if len(self._engine):
            self._loop.call_later(ORPHAN_POLL, self._watch_orphan)
        else:
            self._end()

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


async def _run(index: int, workers: int, control_fd: int, counters_fd: int) -> None:
    blocks = counters.attach(counters_fd, workers)
    await Worker(index, blocks, socket.socket(fileno=control_fd), raise_descriptor_limit()).run()


def main() -> None:
    """Run as the main process starts it: INDEX WORKERS CONTROL_FD COUNTERS_FD."""
    open_closed_ones()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(ignored, signal.SIG_IGN)  # they may reach the whole group; the main process decides
    gc.freeze()
    gc.disable()  # connections break their own cycles when they close; a collection would stall the bytes
    index, workers, control_fd, counters_fd = map(int, sys.argv[1:])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(index, workers, control_fd, counters_fd))


if __name__ == "__main__":
    main()
