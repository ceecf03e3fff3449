"""The userspace dataplane: workers that die, hang, or can't be started."""

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest

from lbproxy.dataplanes.userspace import dataplane as dataplane_module
from lbproxy.dataplanes.userspace import supervisor
from lbproxy.errors import DataplaneError
from lbproxy.model import Address, BackendKey

from .kinds import userspace
from .peers import REFUSALS, Client, is_refused
from .stage import Stage, active, web


class Crew(Stage):
    """A userspace dataplane, and its worker processes."""

    def __init__(self, workers: int = 1) -> None:
        super().__init__(userspace(workers))
        self._workers = workers

    def pids(self) -> list[int]:
        """Those that run."""
        return [worker.pid for worker in self.dataplane.stats().workers if worker.pid is not None]

    async def replaced(self) -> None:
        """Kill the first worker, and wait for its replacement."""
        pid = self.signal(signal.SIGKILL)
        await self.until(lambda: pid not in self.pids() and len(self.pids()) == self._workers)

    def signal(self, number: signal.Signals) -> int:
        """Send the first worker a signal, and give its pid."""
        pid = self.pids()[0]
        os.kill(pid, number)
        return pid


@pytest.fixture
async def crew() -> AsyncIterator[Crew]:
    crew = Crew()
    yield crew
    await crew.end()


@pytest.fixture
async def pair() -> AsyncIterator[Crew]:
    crew = Crew(workers=2)
    yield crew
    await crew.end()


async def is_lost(client: Client) -> bool:
    try:
        await client.ask()
    except REFUSALS:
        return True
    return False


async def test_killed_worker_is_replaced_and_whoever_waits_is_served(crew: Crew, listen: Address) -> None:
    alpha, = await crew.backends("alpha")
    await crew.apply(web(listen, active(alpha)))
    pid = crew.signal(signal.SIGKILL)
    assert await crew.served_by(listen, 3) == {"alpha": 3}
    assert pid not in crew.pids()
    assert crew.dataplane.stats().worker_restarts == 1


async def test_only_the_connections_of_the_killed_worker_are_lost_and_they_are_counted(
        pair: Crew, listen: Address) -> None:
    alpha, = await pair.backends("alpha")
    await pair.apply(web(listen, active(alpha)))
    clients = await pair.clients(listen, 40)
    before = pair.totals()
    await pair.replaced()
    lost = [await is_lost(client) for client in clients].count(True)
    after = pair.totals()
    assert 0 < lost < 40
    assert pair.active() == {alpha.address: 40 - lost}
    assert after[BackendKey("web", alpha.address), "closed", "worker_lost"] == lost
    assert all(after[name] >= count for name, count in before.items())


async def test_replacement_knows_what_was_applied_meanwhile(crew: Crew, listen: Address, other_listen: Address) -> None:
    alpha, bravo = await crew.backends("alpha", "bravo")
    await crew.apply(web(listen, active(alpha)))
    crew.signal(signal.SIGKILL)
    async with asyncio.timeout(dataplane_module.SYNC_TIMEOUT / 2):
        await crew.apply(web(other_listen, active(bravo)))
    assert await crew.served_by(other_listen, 2) == {"bravo": 2}
    assert await is_refused(listen)


async def test_worker_that_dies_while_draining_comes_back_without_listening(crew: Crew, listen: Address) -> None:
    alpha, = await crew.backends("alpha")
    await crew.apply(web(listen, active(alpha)))
    client = await crew.client(listen)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(crew.dataplane.drain(30.0))
        while not await is_refused(listen):
            pass
        await crew.replaced()
    assert await is_lost(client)
    assert await is_refused(listen)


async def test_close_does_not_wait_for_a_worker_that_waits_to_be_replaced(
        crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    await crew.apply()
    monkeypatch.setattr(supervisor, "monotonic", lambda: 0.0)  # every life is a short one
    for _ in range(3):
        await crew.replaced()
    crew.signal(signal.SIGKILL)
    await crew.until(lambda: not crew.pids())
    async with asyncio.timeout(supervisor.EXIT_TIMEOUT / 2):
        await crew.dataplane.close()
    assert crew.pids() == []


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8, 16, 32])
async def test_close_while_workers_start_leaves_none_behind(pair: Crew, listen: Address, steps: int) -> None:
    applying = asyncio.create_task(pair.apply(web(listen)))
    for _ in range(steps):
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await pair.dataplane.close()
        await applying
        await pair.until(lambda: not pair.pids())


async def test_worker_that_hangs_is_named_and_the_next_attempt_succeeds(
        crew: Crew, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, = await crew.backends("alpha")
    await crew.apply()
    monkeypatch.setattr(dataplane_module, "SYNC_TIMEOUT", 0.1)
    pid = crew.signal(signal.SIGSTOP)
    with pytest.raises(DataplaneError, match=f"no answer from worker {pid} within 0.1 s"):
        await crew.apply(web(listen, active(alpha)))
    os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(dataplane_module, "SYNC_TIMEOUT", 5.0)
    await crew.apply(web(listen, active(alpha)))
    assert await crew.served_by(listen, 1) == {"alpha": 1}


async def test_worker_that_hangs_for_long_is_replaced(
        crew: Crew, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOOK_AFTER", 0.05)
    monkeypatch.setattr(supervisor, "HUNG_AFTER", 0.5)
    alpha, = await crew.backends("alpha")
    await crew.apply(web(listen, active(alpha)))
    pid = crew.signal(signal.SIGSTOP)
    assert await crew.served_by(listen, 2) == {"alpha": 2}
    assert pid not in crew.pids()


async def test_worker_that_hangs_does_not_keep_close_waiting(
        crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "EXIT_TIMEOUT", 0.1)
    await crew.apply()
    crew.signal(signal.SIGSTOP)
    async with asyncio.timeout(10):
        await crew.dataplane.close()
    assert crew.pids() == []


async def test_machine_that_cannot_start_processes_is_said_and_tried_again(
        pair: Crew, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, = await pair.backends("alpha")
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "create_subprocess_exec", refuse)
        with pytest.raises(DataplaneError, match="can't start a worker process: Resource temporarily unavailable"):
            await pair.apply(web(listen, active(alpha)))
    await pair.apply(web(listen, active(alpha)))
    assert len(pair.pids()) == 2
    assert (await pair.served_by(listen, 8)) == {"alpha": 8}


async def test_worker_is_replaced_though_the_first_attempts_fail(
        crew: Crew, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, = await crew.backends("alpha")
    await crew.apply(web(listen, active(alpha)))
    refusals = 0

    def refuse_twice(*_: object, **__: object) -> NoReturn:
        nonlocal refusals
        refusals += 1
        if refusals == 2:
            monkeypatch.undo()
        refuse()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse_twice)
    await crew.replaced()
    assert await crew.served_by(listen, 2) == {"alpha": 2}
    assert refusals == 2


def refuse(*_: object, **__: object) -> NoReturn:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
