"""Keeps the worker processes running: starts them, replaces the dead and the hung, ends them.

A dead worker takes only its own connections with it: its replacement gets the same listening sockets and counters.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from time import monotonic

import structlog

from lbproxy.dataplanes.userspace.shared import counters, wire
from lbproxy.dataplanes.userspace.shared.channel import Channel, Message
from lbproxy.model.address import Address
from lbproxy.model.errors import DataplaneError
from lbproxy.tasks import Restarter

HEARTBEAT_CHECK = 5.0
"""Seconds between two looks at a worker's heartbeat."""
HUNG_AFTER = 30.0
"""Seconds without a heartbeat after which a worker is killed: long, because it costs its connections."""
SHORT_LIFE = 10.0
"""Seconds of life below which the next start is delayed: what kills it at once would kill the next one too."""
LONGEST_DELAY = 5.0
"""Seconds: clients of the missing worker wait in its listening sockets meanwhile."""
REPAIRED_WITHIN = HEARTBEAT_CHECK + HUNG_AFTER + LONGEST_DELAY
"""Seconds from a worker's last heartbeat until another one has its place, unless the machine can't start one.

A liveness probe must wait for longer: it would reset the connections of every worker."""
EXIT_TIMEOUT = 2.0
"""Seconds to wait for a worker that was told to exit."""
CALM = 1.0
"""Seconds without a pause in accepting after which the shortage is over."""

log = structlog.get_logger()


class WorkerProcess:
    """One running worker, seen from the main process."""

    def __init__(self, index: int, process: asyncio.subprocess.Process, control: socket.socket,
                 on_failing: Callable[[Message], None]) -> None:
        self.index, self.process, self.born = index, process, monotonic()
        self._on_failing = on_failing
        self._pauses = PauseLog(index)
        self._synced = -1
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._numbers = count()
        self.channel = Channel(control, self._on_message, self._on_end)

    @property
    def is_listening(self) -> bool:
        """Whether it has obeyed the first snapshot that it was sent: before, it has no listening socket."""
        return self._synced >= 0

    def kill(self) -> None:
        """End it, unless it has just ended by itself."""
        with suppress(ProcessLookupError):
            self.process.kill()

    def close(self) -> None:
        """Call when it has died: what waits for it is released."""
        self.channel.close()
        self._pauses.forget()
        self._on_end()

    def synced(self, version: int) -> asyncio.Future[None]:
        """Return a future that is done when it has obeyed everything up to this version, or has died.

        Its successor starts with the latest snapshot.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((version, future))
        self._release()
        return future

    async def ask(self, name: str, leaving: Sequence[Address], timeout: float) -> Message | None:
        """Return its ANSWER on how it would choose for a service now; None if none comes within `timeout` seconds."""
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
        elif message["event"] == wire.COPYING:
            log.warning("bulk is copied, as the kernel refuses splice", worker=self.index, reason=message["reason"])
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


class PauseLog:
    """Logs one worker's pauses in accepting: a line when they begin and one when they are over.

    While the machine is short of something, a worker tries again at each tick: one shortage, not ten a second.
    """

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._is_logged = False
        self._calm: asyncio.TimerHandle | None = None

    def begin(self, reason: str, limit: int) -> None:
        """Log that a worker has paused accepting, once; `limit` is its limit of descriptors."""
        self.forget()
        if not self._is_logged:
            self._is_logged = True
            log.warning("accepting paused", worker=self._worker, reason=reason, limit=limit)

    def end(self) -> None:
        """Accepting goes on; it is logged after CALM seconds, unless another pause begins before."""
        self._calm = asyncio.get_running_loop().call_later(CALM, self._over)

    def forget(self) -> None:
        """Log no end: another pause has begun, or the worker is gone."""
        if self._calm is not None:
            self._calm.cancel()

    def _over(self) -> None:
        self._is_logged = False
        log.info("accepting resumed", worker=self._worker)


class Supervisor:
    """Runs a fixed number of workers.

    `on_start` is given each new one, to send it what it must know; `on_death` each dead one, and returns how many
    connections it took with it. `on_failing` gets a worker's message that a backend fails.
    """

    def __init__(self, workers: int, on_start: Callable[[WorkerProcess], None],
                 on_death: Callable[[WorkerProcess], int], on_failing: Callable[[Message], None],
                 restarter: Restarter) -> None:
        """Raises `DataplaneError` if the machine gives no memory for the counters."""
        try:
            self.counters_fd = counters.allocate(workers)
            self.blocks = counters.attach(self.counters_fd, workers)
        except OSError as error:
            raise DataplaneError(f"can't make shared memory for the counters: {error.strerror or error}") from error
        self._restarter = restarter
        self.restarts = 0
        self.running: dict[int, WorkerProcess] = {}
        self._on_start, self._on_death, self._on_failing = on_start, on_death, on_failing
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = asyncio.Event()

    async def start(self) -> None:
        """Start every worker that was not started yet, and keep them running until `stop`.

        Raises `DataplaneError` if the machine can't start one.
        """
        while (index := len(self._tasks)) < len(self.blocks) and not self._ending.is_set():
            await self._spawn(index)
            keeper = self._restarter.run("worker", partial(self._keep_running, index))
            self._tasks.append(asyncio.create_task(keeper, name=f"worker {index}"))

    async def stop(self) -> None:
        """End every worker; what it still relays is reset. Takes EXIT_TIMEOUT at most: then they are killed."""
        self._ending.set()
        for worker in self.running.values():
            worker.channel.send({"op": wire.EXIT})
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=EXIT_TIMEOUT)
        for worker in list(self.running.values()):
            worker.kill()
        if late:
            await asyncio.wait(late, timeout=EXIT_TIMEOUT)  # a worker that hangs in the kernel outlives even a kill

    async def _keep_running(self, index: int) -> None:
        delay = 0.0
        while (worker := self.running.get(index) or await self._replace(index, delay)) is not None:
            await self._wait_for_exit(worker)
            self._on_exit(worker)
            delay = min(2 * delay + 0.1, LONGEST_DELAY) if monotonic() - worker.born < SHORT_LIFE else 0.0

    def _on_exit(self, worker: WorkerProcess) -> None:
        del self.running[worker.index]
        worker.close()
        lost = self._on_death(worker)
        if not self._ending.is_set():
            self.restarts += 1
            log.error("worker died", worker=worker.index, pid=worker.process.pid, code=worker.process.returncode,
                      connections_lost=lost)

    async def _replace(self, index: int, delay: float) -> WorkerProcess | None:
        """Start another one after `delay` seconds, in as many attempts as it takes; None if `stop` was called."""
        while not await self._ends_within(delay):
            try:
                return await self._spawn(index)
            except DataplaneError as error:
                log.error("can't start a new worker, trying again", worker=index, error=str(error))
                delay = min(2 * delay + 0.1, LONGEST_DELAY)
        return None

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        return self._ending.is_set()

    async def _wait_for_exit(self, worker: WorkerProcess) -> None:
        while True:
            try:
                await asyncio.wait_for(worker.process.wait(), HEARTBEAT_CHECK)
            except TimeoutError:
                self._kill_if_hung(worker)
            else:
                return

    def _kill_if_hung(self, worker: WorkerProcess) -> None:
        silence = monotonic() - self.blocks[worker.index][counters.HEARTBEAT] / counters.MILLISECONDS
        if silence > HUNG_AFTER:
            log.error("worker does not respond, killing it", worker=worker.index, pid=worker.process.pid,
                      seconds=round(silence))
            worker.kill()

    async def _spawn(self, index: int) -> WorkerProcess:
        self.blocks[index][counters.HEARTBEAT] = int(monotonic() * counters.MILLISECONDS)
        try:
            worker = await self._start_process(index)
        except OSError as error:
            raise DataplaneError(f"can't start a worker process: {error.strerror or error}") from error
        try:
            if self._ending.is_set():
                worker.channel.send({"op": wire.EXIT})
            else:
                self._on_start(worker)
        except BaseException:
            worker.kill()
            worker.close()
            self._on_death(worker)
            raise
        self.running[index] = worker
        return worker

    async def _start_process(self, index: int) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await self._execute(index, theirs.fileno())
            except BaseException:
                ours.close()
                raise
        return WorkerProcess(index, process, ours, self._on_failing)

    async def _execute(self, index: int, control_fd: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "lbproxy.dataplanes.userspace.worker.process",
            *map(str, (index, len(self.blocks), control_fd, self.counters_fd)),
            stdin=asyncio.subprocess.DEVNULL, pass_fds=(control_fd, self.counters_fd),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
