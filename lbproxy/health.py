"""Active checks: one TCP connect per backend and interval, from the main process. Says verdicts, decides nothing."""

import asyncio
import errno
import random
import socket
from collections.abc import Callable

from lbproxy.model import Address, BackendKey, HealthPolicy, Snapshot
from lbproxy.sockets import reset_on_close

JITTER = 0.2
"""Share of the interval by which checks are spread, either way, so that they don't come in step."""
FAILURES = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable", errno.ENETUNREACH: "unreachable",
            errno.ETIMEDOUT: "timeout", errno.ECONNRESET: "reset"}

Report = Callable[[BackendKey, str | None], None]
"""Told each verdict when it changes: None for alive, else why the backend counts as dead."""


class Health:
    """Keeps one task per backend of the latest snapshot whose service wants checks, in `group`.

    `count` is told of every single check whether it passed.
    """

    def __init__(self, group: asyncio.TaskGroup, report: Report, count: Callable[[bool], None]) -> None:
        self._group, self._report, self._count = group, report, count
        self._tasks: dict[BackendKey, tuple[HealthPolicy, asyncio.Task[None]]] = {}
        self._dead: dict[BackendKey, str] = {}  # outlives a change of policy

    def watch(self, snapshot: Snapshot) -> None:
        """Check these backends from now on, and no others."""
        wanted = {BackendKey(service.name, backend.address): service.policy.health
                  for service in snapshot.services.values() if service.policy.health.interval
                  for backend in service.backends if backend.deadline is None}
        for key in [key for key, (policy, _) in self._tasks.items() if wanted.get(key) != policy]:
            self._tasks.pop(key)[1].cancel()
        for key in wanted.keys() - self._tasks.keys():
            task = self._group.create_task(self._follow(key, wanted[key]), name=f"check {key.service} {key.address}")
            self._tasks[key] = (wanted[key], task)
        for key in self._dead.keys() - wanted.keys():
            self._tell(key, None)  # nobody would ever say that it is back

    def close(self) -> None:
        """Stop all checks."""
        for _, task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def _follow(self, key: BackendKey, policy: HealthPolicy) -> None:
        streak = Streak(policy, self._dead.get(key))
        await asyncio.sleep(policy.interval * random.random())  # noqa: S311 - spreads load, guards nothing
        while True:
            failure = await probe(key.address, policy.timeout)
            self._count(failure is None)
            if streak.take(failure):
                self._tell(key, streak.verdict)
            await asyncio.sleep(policy.interval * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311

    def _tell(self, key: BackendKey, verdict: str | None) -> None:
        if verdict is None:
            self._dead.pop(key, None)
        else:
            self._dead[key] = verdict
        self._report(key, verdict)


class Streak:
    """Turns single results into a verdict: `fall` failures in a row make it dead, `rise` successes alive again."""

    def __init__(self, policy: HealthPolicy, verdict: str | None = None) -> None:
        self.verdict = verdict
        """None for alive, which is assumed at first, else why it counts as dead."""
        self._policy = policy
        self._contrary = 0  # results in a row that contradict the verdict

    def take(self, failure: str | None) -> bool:
        """Take one result; True if it changed the verdict."""
        if (failure is None) == (self.verdict is None):
            self._contrary = 0
            return False
        self._contrary += 1
        if self._contrary < (self._policy.fall if failure else self._policy.rise):
            return False
        self.verdict, self._contrary = failure, 0
        return True


async def probe(address: Address, timeout: float) -> str | None:
    """Connect and hang up: None if it worked within `timeout` seconds, else why not."""
    try:
        with socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
            reset_on_close(sock)  # as HAProxy ends its checks: no TIME_WAIT is left behind
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().sock_connect(sock, address)
    except TimeoutError:
        return "timeout"
    except OSError as error:
        return FAILURES.get(error.errno or 0, error.strerror or str(error))
    return None
