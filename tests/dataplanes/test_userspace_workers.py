"""The userspace dataplane: workers that die."""

import asyncio
import signal

import pytest

from lbproxy.dataplanes.userspace.main import dataplane as dataplane_module
from lbproxy.dataplanes.userspace.main import supervisor
from lbproxy.model.address import Address
from lbproxy.model.snapshot import BackendKey
from tests.support.peers import is_refused, until_refused

from .crew import Crew, is_lost
from .stage import active, web


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
        await until_refused(listen)
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
