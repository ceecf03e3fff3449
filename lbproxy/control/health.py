"""Active checks: one TCP connect per backend and interval, from the main process. The table decides what follows.

Checking 10,000 backends every two seconds would cost a whole CPU, and as many connects on the backends' hosts. So above
`MOST_PER_SECOND` all intervals are stretched by the same factor: 9 % of a CPU. A backend that dies between two checks
is found by its clients: it is ejected after a few failed connects.
"""

import asyncio
import errno
import os
import random
import socket
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic

import structlog

from lbproxy.model import diff
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.facts import CheckResult
from lbproxy.model.snapshot import Backend, BackendKey, HealthPolicy, Service, Snapshot
from lbproxy.net.socket_options import reset_on_close
from lbproxy.tasks import Restarter

JITTER = 0.2
"""Share of the interval by which each wait is longer or shorter. Else the checks of many backends, and of several
replicas, come in step."""
MOST_PER_SECOND = 500.0
"""Checks of all backends together; see above."""
OUR_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EPERM,
                           errno.EACCES})
"""What socket() and connect() say at once when this host lacks something, or forbids it: no word about the backend."""
LOGGED_CHANGE = 1.25
"""Factor by which the stretch must change to be logged again: a rollout changes it a little all the time."""
FAILURES = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable", errno.ENETUNREACH: "unreachable",
            errno.ETIMEDOUT: "timeout", errno.ECONNRESET: "reset"}

log = structlog.get_logger()

Report = Callable[[BackendKey, str | None], None]
"""Called with each new verdict: None for alive, else why the backend counts as dead."""


class CheckNotMadeError(Exception):
    """A check could not be made, for want of something on this host: it says nothing about the backend."""


class Health:
    """Runs one task in `group` for each backend of the latest snapshot whose service has checks.

    `report` gets each new verdict. `count` gets of every check whether it passed, None if it could not be made.
    `show_stretch` gets the factor by
    which all intervals are multiplied.
    """

    def __init__(self, group: asyncio.TaskGroup, report: Report, count: Callable[[bool | None], None],
                 show_stretch: Callable[[float], None], restarter: Restarter | None = None) -> None:
        self._restarter = restarter or Restarter()
        self._group, self._report, self._count, self._show_stretch = group, report, count, show_stretch
        self._snapshot = Snapshot(0, {})
        self._stretch = self._logged_stretch = 1.0
        self._tasks: dict[BackendKey, asyncio.Task[None]] = {}
        self._dead: dict[BackendKey, str] = {}  # survives a change of policy, which says nothing about backends
        self._not_made: dict[BackendKey, str] = {}
        """Why their last checks could not be made."""
        self.results: dict[BackendKey, CheckResult] = {}
        """The last check of each backend that is checked, once there was one."""

    def watch(self, snapshot: Snapshot) -> None:
        """Check the backends of this snapshot from now on, and no others. Those that did not change are left alone."""
        before, self._snapshot = self._snapshot, snapshot
        self._set_stretch(stretch(snapshot.services.values()))
        for name, old, new in diff.changed(before.services, snapshot.services):
            self._change(name, old, new)

    def close(self) -> None:
        """Stop the checks of all backends."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    def _change(self, name: str, old: Service | None, new: Service | None) -> None:
        """Go from checking `old` to checking `new`; backends that are in both are left alone."""
        # Interval 0 means no checks: a service that is gone is handled as one without.
        policy = new.policy.health if new else HealthPolicy(interval=0)
        is_same_policy = old is not None and old.policy.health == policy
        removed, added = diff.backends(old, new) if is_same_policy else (
            old.backends if old else (), new.backends if new else ())
        left_out, was_left_out = (one.left_out if one else frozenset() for one in (new, old))
        gone = {BackendKey(name, one) for one in {*was_left_out, *(one.address for one in removed)} - left_out}
        checked = {BackendKey(name, one.address) for one in added if policy.interval and not _goes_away(one)}
        # A new policy needs a new task; a backend that only changed its state keeps the one it has.
        for key in gone if not is_same_policy else gone - checked:
            self._end(key)
        for key in checked - self._tasks.keys():
            checking = self._restarter.run("check", partial(self._keep_checking, key, policy))
            self._tasks[key] = self._group.create_task(checking, name=f"check {key.service} {key.address}")
        for key in self._dead.keys() & gone - checked:
            self._set_verdict(key, None)  # without checks nothing would ever say that it is alive again

    def _end(self, key: BackendKey) -> None:
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()
        self._note_made(key)
        self.results.pop(key, None)  # its age would mislead /explain

    def _set_stretch(self, stretch: float) -> None:
        if stretch != self._stretch:
            self._stretch = stretch
            self._show_stretch(stretch)
        change = max(stretch / self._logged_stretch, self._logged_stretch / stretch)
        if change >= LOGGED_CHANGE or (stretch == 1 and change > 1):
            log.warning("health checks are made less often than asked" if stretch > 1 else "health checks are made as "
                        "often as asked", interval_factor=round(stretch, 1), checks_per_second=MOST_PER_SECOND)
            self._logged_stretch = stretch

    async def _keep_checking(self, key: BackendKey, policy: HealthPolicy) -> None:
        # Starts from the verdict under the old policy: else a dead backend would get clients until it fails again.
        streak = Streak(policy, self._dead.get(key))
        # The first wait is any part of an interval: at a start or a rollout all checks would begin at once.
        await asyncio.sleep(self._stretch * policy.interval * random.random())  # noqa: S311 - spreads load, guards nothing
        while True:
            began = monotonic()
            # The wait below begins after the check has ended: a backend has one check at a time, also if it times out.
            try:
                failure = await probe(key.address, policy.timeout)
            except CheckNotMadeError as error:
                self._note_not_made(key, began, str(error))
            else:
                self._note_made(key)
                self._remember(key, began, failure)
                self._count(failure is None)
                if streak.take(failure):
                    self._set_verdict(key, streak.verdict)
            jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - as above
            await asyncio.sleep(self._stretch * policy.interval * jitter)

    def _remember(self, key: BackendKey, began: float, failure: str | None, not_made: str | None = None) -> None:
        now, before = monotonic(), self.results.get(key)
        is_alike = before is not None and (
            (before.failure is None, before.not_made is None) == (failure is None, not_made is None))
        in_a_row = before.in_a_row + 1 if before and is_alike else 1
        self.results[key] = CheckResult(now, now - began, failure, in_a_row, not_made)

    def _note_not_made(self, key: BackendKey, began: float, why: str) -> None:
        """Log it once for all backends: while the machine is short of something, every check fails so."""
        self._count(None)
        self._remember(key, began, None, why)
        if not self._not_made:
            log.error("health checks can't be made, for want of something here", reason=why, service=key.service,
                      backend=str(key.address))
        self._not_made[key] = why

    def _note_made(self, key: BackendKey) -> None:
        if self._not_made.pop(key, None) is not None and not self._not_made:
            log.info("health checks are made again")

    def _set_verdict(self, key: BackendKey, verdict: str | None) -> None:
        if verdict is None:
            self._dead.pop(key, None)
        else:
            self._dead[key] = verdict
        self._report(key, verdict)


def _goes_away(backend: Backend) -> bool:
    """Whether no verdict over it matters any more. What an operator drains stays, also after its deadline."""
    return backend.deadline is not None and not is_drained_by_operator(backend)


def stretch(services: Iterable[Service]) -> float:
    """The factor for all intervals, at least 1.0, with which there are no more than `MOST_PER_SECOND` checks."""
    intervals = ((service.policy.health.interval, len(service.backends)) for service in services)
    # Backends with a deadline count too, though they are not checked: at worst the others are checked too rarely.
    return max(1.0, sum(count / interval for interval, count in intervals if interval) / MOST_PER_SECOND)


class Streak:
    """Turns results into a verdict: `fall` failures in a row mean dead, `rise` passes in a row mean alive again.

    As HAProxy's fall and rise: a lost packet must not take a backend out, nor one lucky connect bring it back.
    """

    def __init__(self, policy: HealthPolicy, verdict: str | None = None) -> None:
        self.verdict = verdict
        """None for alive, which is assumed before the first check; else why it counts as dead."""
        self._policy = policy
        self._contrary = 0  # results in a row that contradict the verdict

    def take(self, failure: str | None) -> bool:
        """Take one result (None: passed), and return whether it changed the verdict."""
        if (failure is None) == (self.verdict is None):
            self._contrary = 0
            return False
        self._contrary += 1
        # The reason of the last failure in the row becomes the verdict, as it is the newest.
        if self._contrary < (self._policy.fall if failure else self._policy.rise):
            return False
        self.verdict, self._contrary = failure, 0
        return True


async def probe(address: Address, timeout: float) -> str | None:
    """Connect and reset: None if the connect succeeded within `timeout` seconds, else why it failed, in a word.

    Raises `CheckNotMadeError`.
    """
    try:
        with _socket(address) as sock:
            reset_on_close(sock)  # as HAProxy ends its checks: a TIME_WAIT for each would use up our source ports
            async with asyncio.timeout(timeout):
                error = await _connect(sock, address)
    except TimeoutError:
        return "timeout"
    except OSError as refusal:  # this machine has no such family
        error = refusal.errno or errno.EIO
    return FAILURES.get(error, os.strerror(error)) if error else None


def _socket(address: Address) -> socket.socket:
    try:
        return socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        if error.errno in OUR_SHORTAGES:
            raise CheckNotMadeError(error.strerror) from error
        raise


async def _connect(sock: socket.socket, address: Address) -> int:
    """Return the errno of connect(), 0 if it succeeded. Raises `CheckNotMadeError`."""
    error = sock.connect_ex(address)
    if error in OUR_SHORTAGES:
        raise CheckNotMadeError(os.strerror(error))
    if error != errno.EINPROGRESS:
        return error
    # Not loop.sock_connect: it tells an error of the first connect() from a later one no more. A later EACCES is what
    # a firewall on the way has said (ICMPv6 "administratively prohibited").
    loop = asyncio.get_running_loop()
    connected = asyncio.Event()
    loop.add_writer(sock.fileno(), connected.set)
    try:
        await connected.wait()
    finally:
        loop.remove_writer(sock.fileno())
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
