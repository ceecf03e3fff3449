"""Keeps the worker processes running: starts them, replaces the dead and the hung, ends them.

A dead worker takes only its own connections with it: its replacement gets the same listening sockets and counters.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from time import monotonic

import structlog

from lbproxy.dataplanes.userspace.main.pauses import PauseLog
from lbproxy.dataplanes.userspace.shared import counters, wire
from lbproxy.dataplanes.userspace.shared.channel import Channel, Message
from lbproxy.model.address import Address
from lbproxy.model.errors import DataplaneError

LOOK_AFTER = 5.0
"""Seconds between two looks at a worker's heartbeat."""
HUNG_AFTER = 30.0
"""Seconds without a heartbeat after which a worker is killed: long, because it costs its connections."""
SHORT_LIFE = 10.0
"""Seconds of life below which the next start is delayed."""
LONGEST_DELAY = 5.0
EXIT_TIMEOUT = 2.0
"""Seconds to wait for a worker that was told to exit."""

log = structlog.get_logger()


class WorkerProcess:
    """One running worker, seen from the main process."""

    def __init__(self, index: int, process: asyncio.subprocess.Process, control: socket.socket,
                 on_failing: Callable[[Message], None]) -> None:
        self.index, self.process = index, process
        self._on_failing = on_failing
        self._pauses = PauseLog(index)
        self._synced = -1
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._numbers = count()
        self.channel = Channel(control, self._on_message, self._on_end)

    def kill(self) -> None:
        """End it, unless it has just ended by itself."""
        with suppress(ProcessLookupError):
            self.process.kill()

    def close(self) -> None:
        """It has died: nobody needs to wait for it any more."""
        self.channel.close()
        self._pauses.forget()
        self._on_end()

    def synced(self, version: int) -> asyncio.Future[None]:
        """Done when it has obeyed everything up to this version, or has died (its successor will)."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((version, future))
        self._release()
        return future

    async def ask(self, name: str, leaving: Sequence[Address], timeout: float) -> Message | None:
        """How it would choose for a service now; None if it does not say so within `timeout` seconds."""
        number, future = next(self._numbers), asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self.channel.send({"op": wire.ASK, "number": number, "name": name, "leaving": leaving})
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            return None
        finally:
            del self._asked[number]

    def _on_message(self, message: Message, _: list[int]) -> None:
        if message["op"] == wire.SYNCED:
            self._synced = message["version"]
            self._release()
        elif message["op"] == wire.ANSWER:
            if (future := self._asked.get(message["number"])) and not future.done():
                future.set_result(message)
        elif message["event"] == wire.PAUSED:
            self._pauses.begin(message["reason"], message["limit"])
        elif message["event"] == wire.RESUMED:
            self._pauses.end()
        else:
            self._on_failing(message)

    def _on_end(self) -> None:
        self._synced = sys.maxsize
        self._release()

    def _release(self) -> None:
        for version, future in self._waiting:
            if version <= self._synced and not future.done():
                future.set_result(None)
        self._waiting = [(version, future) for version, future in self._waiting if not future.done()]


class Supervisor:
    """Runs a fixed number of workers. `on_start` briefs each new one, `on_death` settles a dead one's counters.

    `on_failing` is told when a worker finds that a backend fails.
    """

    def __init__(self, workers: int, on_start: Callable[[WorkerProcess], None],
                 on_death: Callable[[WorkerProcess], int], on_failing: Callable[[Message], None]) -> None:
        self.counters_fd = counters.allocate(workers)
        self.blocks = counters.attach(self.counters_fd, workers)
        self.restarts = 0
        self.running: dict[int, WorkerProcess] = {}
        self._on_start, self._on_death, self._on_failing = on_start, on_death, on_failing
        self._keepers: list[asyncio.Task[None]] = []
        self._ending = asyncio.Event()

    async def start(self) -> None:
        """Start every worker that was not started yet, and keep them running until `stop`.

        Raises `DataplaneError` if the machine can't start one.
        """
        while len(self._keepers) < len(self.blocks) and not self._ending.is_set():
            worker = await self._spawn(len(self._keepers))
            self._keepers.append(asyncio.create_task(self._keep(worker), name=f"worker {worker.index}"))

    async def stop(self) -> None:
        """End every worker: what it still relays is reset."""
        self._ending.set()
        for worker in self.running.values():
            worker.channel.send({"op": wire.EXIT})
        if not self._keepers:
            return
        _, late = await asyncio.wait(self._keepers, timeout=EXIT_TIMEOUT)
        for worker in list(self.running.values()):
            worker.kill()
        await asyncio.gather(*late)

    async def _keep(self, first: WorkerProcess) -> None:
        worker: WorkerProcess | None = first
        delay = 0.0
        while worker is not None:
            born = monotonic()
            await self._watch(worker)
            self._bury(worker)
            delay = min(2 * delay + 0.1, LONGEST_DELAY) if monotonic() - born < SHORT_LIFE else 0.0
            worker = await self._replace(worker.index, delay)

    def _bury(self, worker: WorkerProcess) -> None:
        worker.close()
        del self.running[worker.index]
        lost = self._on_death(worker)
        if not self._ending.is_set():
            self.restarts += 1
            log.error("worker died", worker=worker.index, pid=worker.process.pid, code=worker.process.returncode,
                      connections_lost=lost)

    async def _replace(self, index: int, delay: float) -> WorkerProcess | None:
        """Start another one after the delay, whatever number of attempts it takes; None if none is wanted any more."""
        while not await self._ends_within(delay):
            try:
                return await self._spawn(index)
            except DataplaneError as error:
                log.error("worker not replaced, trying again", worker=index, error=str(error))
                delay = min(2 * delay + 0.1, LONGEST_DELAY)
        return None

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        return self._ending.is_set()

    async def _watch(self, worker: WorkerProcess) -> None:
        while True:
            try:
                await asyncio.wait_for(worker.process.wait(), LOOK_AFTER)
            except TimeoutError:
                self._kill_if_hung(worker)
            else:
                return

    def _kill_if_hung(self, worker: WorkerProcess) -> None:
        silence = monotonic() - self.blocks[worker.index][counters.HEARTBEAT] / counters.MILLISECONDS
        if silence > HUNG_AFTER:
            log.error("worker hangs, killing it", worker=worker.index, pid=worker.process.pid, seconds=round(silence))
            worker.kill()

    async def _spawn(self, index: int) -> WorkerProcess:
        self.blocks[index][counters.HEARTBEAT] = int(monotonic() * counters.MILLISECONDS)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await self._execute(index, theirs.fileno())
            except OSError as error:
                ours.close()
                raise DataplaneError(f"can't start a worker process: {error.strerror or error}") from error
        self.running[index] = worker = WorkerProcess(index, process, ours, self._on_failing)
        if self._ending.is_set():
            worker.channel.send({"op": wire.EXIT})
        else:
            self._on_start(worker)
        return worker

    async def _execute(self, index: int, control_fd: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "lbproxy.dataplanes.userspace.worker.process",
            *map(str, (index, len(self.blocks), control_fd, self.counters_fd)),
            stdin=asyncio.subprocess.DEVNULL, pass_fds=(control_fd, self.counters_fd),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
