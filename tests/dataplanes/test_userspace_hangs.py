"""The userspace dataplane: workers that hang, and machines that can't start one."""

import asyncio
import errno
import os
import signal
from typing import NoReturn

import pytest

from lbproxy.dataplanes.userspace.main import dataplane as dataplane_module
from lbproxy.dataplanes.userspace.main import supervisor
from lbproxy.model.address import Address
from lbproxy.model.errors import DataplaneError
from tests.support.patience import PATIENCE

from .harness import active, web
from .workers import WorkerHarness


async def test_worker_that_hangs_is_named_and_the_next_attempt_succeeds(
        workers: WorkerHarness, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, = await workers.backends("alpha")
    await workers.apply()
    monkeypatch.setattr(dataplane_module, "SYNC_TIMEOUT", 0.1)
    pid = workers.signal(signal.SIGSTOP)
    with pytest.raises(DataplaneError, match=f"no answer from worker {pid} within 0.1 s"):
        await workers.apply(web(listen, active(alpha)))
    os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(dataplane_module, "SYNC_TIMEOUT", 5.0)
    await workers.apply(web(listen, active(alpha)))
    assert await workers.served_by(listen, 1) == {"alpha": 1}


async def test_worker_that_has_been_silent_for_long_is_replaced(
        workers: WorkerHarness, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "HEARTBEAT_CHECK", 0.05)
    alpha, = await workers.backends("alpha")
    await workers.apply(web(listen, active(alpha)))
    pid = workers.signal(signal.SIGSTOP)
    workers.silence()
    assert await workers.served_by(listen, 2) == {"alpha": 2}
    assert pid not in workers.pids()


async def test_worker_that_hangs_does_not_keep_close_waiting(
        workers: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "EXIT_TIMEOUT", 0.1)
    await workers.apply()
    workers.signal(signal.SIGSTOP)
    async with asyncio.timeout(PATIENCE):
        await workers.dataplane.close()
    assert workers.pids() == []


async def test_machine_that_cannot_start_processes_is_said_and_tried_again(
        two_workers: WorkerHarness, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, = await two_workers.backends("alpha")
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "create_subprocess_exec", refuse)
        with pytest.raises(DataplaneError, match="can't start a worker process: Resource temporarily unavailable"):
            await two_workers.apply(web(listen, active(alpha)))
    await two_workers.apply(web(listen, active(alpha)))
    assert len(two_workers.pids()) == 2
    assert (await two_workers.served_by(listen, 8)) == {"alpha": 8}


async def test_worker_is_replaced_though_the_first_attempts_fail(
        workers: WorkerHarness, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, = await workers.backends("alpha")
    await workers.apply(web(listen, active(alpha)))
    refusals = 0

    def refuse_twice(*_: object, **__: object) -> NoReturn:
        nonlocal refusals
        refusals += 1
        if refusals == 2:
            monkeypatch.undo()
        refuse()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse_twice)
    await workers.replaced()
    assert await workers.served_by(listen, 2) == {"alpha": 2}
    assert refusals == 2


def refuse(*_: object, **__: object) -> NoReturn:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
