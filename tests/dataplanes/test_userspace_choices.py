"""How the userspace dataplane says whom each worker would choose, for an operator who asks."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from lbproxy.dataplanes.userspace.main import dataplane as module
from lbproxy.dataplanes.userspace.main.dataplane import UserspaceDataplane
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Policy, Scheduler
from lbproxy.model.stats import SchedulerChoice

from .harness import Harness, active, draining, web
from .kinds import userspace


class Asked(Harness):
    """A userspace dataplane with one worker."""

    def __init__(self) -> None:
        super().__init__(userspace(1))
        assert isinstance(self.dataplane, UserspaceDataplane)
        self.userspace = self.dataplane

    async def choice(self, *leaving: Address) -> SchedulerChoice:
        """What its worker says of service web."""
        choice, = await self.userspace.choices("web", leaving)
        return choice


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    harness = Asked()
    yield harness
    await harness.end()


async def test_next_is_who_gets_the_next_connection(asked: Asked, listen: Address) -> None:
    backends = {one.name: one.address for one in await asked.backends("alpha", "bravo", "charlie")}
    await asked.apply(web(listen, *map(active, asked._backends)))
    for _ in range(5):
        expected = (await asked.choice()).next
        (name, _), = (await asked.served_by(listen, 1)).items()
        assert backends[name] == expected


async def test_scores_are_what_the_scheduler_goes_by(asked: Asked, listen: Address) -> None:
    alpha, bravo = await asked.backends("alpha", "bravo")
    await asked.apply(web(listen, active(alpha, weight=4), active(bravo), policy=Policy(scheduler=Scheduler.WLC)))
    served = await asked.served_by(listen, 5)
    scores = (await asked.choice()).scores
    assert {address: score.active for address, score in scores.items()} == {
        alpha.address: served["alpha"], bravo.address: served["bravo"]}
    assert (scores[alpha.address].score, scores[bravo.address].score) == (served["alpha"] / 4, float(served["bravo"]))


async def test_full_backend_is_told_as_full(asked: Asked, listen: Address) -> None:
    alpha, = await asked.backends("alpha")
    await asked.apply(web(listen, active(alpha), policy=Policy(max_conns=1, queue=0)))
    await asked.client(listen)
    with pytest.raises(ConnectionError):
        await asked.client(listen)
    choice = await asked.choice()
    assert (choice.next, choice.scores[alpha.address].is_full) == (None, True)


async def test_backend_that_drains_has_no_score_and_tells_its_oldest_connection(asked: Asked, listen: Address) -> None:
    alpha, bravo = await asked.backends("alpha", "bravo")
    await asked.apply(web(listen, active(alpha)))
    began = asyncio.get_running_loop().time()
    await asked.client(listen)
    await asked.apply(web(listen, draining(alpha), active(bravo)))
    await asked.until(lambda: asyncio.get_running_loop().time() > began + 0.25)  # beyond the resolution of a tick
    choice = await asked.choice(alpha.address, bravo.address)
    assert (choice.next, choice.scores[alpha.address].score) == (bravo.address, None)
    assert set(choice.oldest_seconds) == {alpha.address}, "bravo has no connection"
    assert 0.1 < choice.oldest_seconds[alpha.address] < 20


async def test_service_that_nobody_knows_has_no_next(asked: Asked, listen: Address) -> None:
    alpha, = await asked.backends("alpha")
    await asked.apply(web(listen, active(alpha), name="other"))
    assert await asked.choice() == SchedulerChoice(0, None, {}, {})


async def test_worker_that_hangs_is_left_out(asked: Asked, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_TIMEOUT", 0.05)
    alpha, = await asked.backends("alpha")
    await asked.apply(web(listen, active(alpha)))
    pid = asked.dataplane.stats().workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert await asked.userspace.choices("web", ()) == ()
    os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(module, "ASK_TIMEOUT", 5.0)
    assert (await asked.choice()).next == alpha.address, "its late answer to the first question harms nobody"


async def test_nobody_is_asked_before_there_is_a_worker(asked: Asked) -> None:
    assert await asked.userspace.choices("web", ()) == ()
