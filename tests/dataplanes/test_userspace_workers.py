"""The userspace dataplane: workers that die."""

import asyncio
import signal

import pytest

from lbproxy.dataplanes.userspace.main import dataplane as dataplane_module
from lbproxy.dataplanes.userspace.main import supervisor
from lbproxy.model.address import Address
from lbproxy.model.snapshot import BackendKey
from tests.support.patience import NEVER, PATIENCE
from tests.support.peers import is_refused, until_refused

from .harness import active, web
from .workers import WorkerHarness, is_lost


async def test_killed_worker_is_replaced_and_whoever_waits_is_served(workers: WorkerHarness, listen: Address) -> None:
    alpha, = await workers.backends("alpha")
    await workers.apply(web(listen, active(alpha)))
    pid = workers.signal(signal.SIGKILL)
    assert await workers.served_by(listen, 3) == {"alpha": 3}
    assert pid not in workers.pids()
    assert workers.dataplane.stats().worker_restarts == 1


async def test_only_the_connections_of_the_killed_worker_are_lost_and_they_are_counted(
        two_workers: WorkerHarness, listen: Address) -> None:
    alpha, = await two_workers.backends("alpha")
    await two_workers.apply(web(listen, active(alpha)))
    clients = await two_workers.clients(listen, 40)
    before = two_workers.totals()
    await two_workers.replaced()
    lost = [await is_lost(client) for client in clients].count(True)
    after = two_workers.totals()
    assert 0 < lost < 40
    assert two_workers.active() == {alpha.address: 40 - lost}
    assert after[BackendKey("web", alpha.address), "closed", "worker_lost"] == lost
    assert all(after[name] >= count for name, count in before.items())


async def test_replacement_knows_what_was_applied_meanwhile(
        workers: WorkerHarness, listen: Address, other_listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataplane_module, "SYNC_TIMEOUT", NEVER)
    alpha, bravo = await workers.backends("alpha", "bravo")
    await workers.apply(web(listen, active(alpha)))
    workers.signal(signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        await workers.apply(web(other_listen, active(bravo)))
    assert await workers.served_by(other_listen, 2) == {"bravo": 2}
    assert await is_refused(listen)


async def test_worker_that_dies_while_draining_comes_back_without_listening(
        workers: WorkerHarness, listen: Address) -> None:
    alpha, = await workers.backends("alpha")
    await workers.apply(web(listen, active(alpha)))
    client = await workers.client(listen)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(workers.dataplane.drain(NEVER))
        await until_refused(listen)
        await workers.replaced()
    assert await is_lost(client)
    assert await is_refused(listen)


async def test_close_does_not_wait_for_a_worker_that_waits_to_be_replaced(
        workers: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    await workers.apply()
    monkeypatch.setattr(supervisor, "EXIT_TIMEOUT", NEVER)
    monkeypatch.setattr(supervisor, "monotonic", lambda: 0.0)  # every life is a short one
    for _ in range(3):
        await workers.replaced()
    workers.signal(signal.SIGKILL)
    await workers.until(lambda: not workers.pids())
    async with asyncio.timeout(PATIENCE):
        await workers.dataplane.close()
    assert workers.pids() == []


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8, 16, 32])
async def test_close_while_workers_start_leaves_none_behind(
        two_workers: WorkerHarness, listen: Address, steps: int) -> None:
    applying = asyncio.create_task(two_workers.apply(web(listen)))
    for _ in range(steps):
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await two_workers.dataplane.close()
        await applying
        await two_workers.until(lambda: not two_workers.pids())
