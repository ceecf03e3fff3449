"""What ready and healthy mean: one definition, whatever shows it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from lbproxy.admin.api.program_status import HEARTBEAT_LIMIT, NOT_HEALTHY_AFTER, ControllerStatus
from lbproxy.control.controller import Controller
from lbproxy.control.metrics import SyncMetrics
from lbproxy.model.errors import DataplaneError
from lbproxy.model.snapshot import BackendKey, Endpoint, ServiceSpec
from lbproxy.model.stats import BackendStats, ServiceStats, Stats, WorkerStats
from tests.control.fake_dataplane import FakeDataplane

from .fakes import LISTEN, ONE, TWO

GOOD = WorkerStats(0, 101, 0.1, 7, is_paused=False, accept_pauses=0, accept_errors=0)
DEAD = replace(GOOD, pid=None, is_listening=False)
SILENT = replace(GOOD, heartbeat_age=HEARTBEAT_LIMIT + 1)
STARTING = replace(GOOD, is_listening=False)
PAUSED = replace(GOOD, is_paused=True)
WEB = ServiceSpec("web", (LISTEN,), (Endpoint(ONE),))


class Slotted(FakeDataplane):
    """It counts for a backend from the moment when it is asked to serve it, as the userspace dataplane does."""

    def stats(self) -> Stats:
        asked = [self.snapshot, *self.attempts[-1:]]
        return Stats({name: ServiceStats() for one in asked for name in one.services},
                     {BackendKey(name, backend.address): BackendStats(connections=3)
                      for one in asked for name, service in one.services.items() for backend in service.backends})


class Probed:
    """A running controller, and what its status says."""

    def __init__(self) -> None:
        self.dataplane = Slotted()
        self.controller = Controller(self.dataplane, SyncMetrics(CollectorRegistry()), lambda _: None)
        self.workers: tuple[WorkerStats, ...] = (GOOD,)
        self.waits_for = self.refusal = ""
        self.is_stopping = False
        self.status = ControllerStatus(self.controller, self.dataplane, lambda: self.workers, lambda: self.is_stopping,
                                       lambda: self.waits_for, "userspace", lambda: self.refusal)

    async def serve(self, *services: ServiceSpec) -> None:
        """Publish, and wait until it is in force."""
        self.controller.publish({service.name: service for service in services})
        await self.dataplane.reaches(lambda snapshot: snapshot.services.keys() == {one.name for one in services})
        await asyncio.sleep(0)

    def shown(self) -> list[BackendKey]:
        """The backends of which counters are shown."""
        return list(self.status.stats().backends)


@pytest.fixture
async def probed() -> AsyncIterator[Probed]:
    probed = Probed()
    task = asyncio.create_task(probed.controller.run())
    yield probed
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("accepting", [(GOOD,), (GOOD, GOOD), (DEAD, GOOD), (GOOD, SILENT), (PAUSED, GOOD), ()])
async def test_one_worker_that_accepts_is_enough_and_so_is_the_kernel(
        probed: Probed, accepting: tuple[WorkerStats, ...]) -> None:
    await probed.serve(WEB)
    probed.workers = accepting
    assert (probed.status.why_not_ready(), probed.status.why_not_healthy()) == (None, None)


@pytest.mark.parametrize(("worker", "why"), [
    (DEAD, "is being replaced"), (SILENT, "has not answered for 6 s"), (STARTING, "is starting"),
    (PAUSED, "is short of descriptors")])
async def test_nobody_is_sent_where_no_worker_accepts(probed: Probed, worker: WorkerStats, why: str) -> None:
    await probed.serve(WEB)
    probed.workers = (DEAD, replace(worker, index=1))
    assert probed.status.why_not_ready() == f"no worker accepts: worker 0 is being replaced, worker 1 {why}"


@pytest.mark.parametrize("pid", [101, None])
async def test_silence_is_unhealthy_only_after_the_repair_had_its_time(probed: Probed, pid: int | None) -> None:
    await probed.serve(WEB)
    probed.workers = (replace(GOOD, pid=pid, heartbeat_age=NOT_HEALTHY_AFTER),)
    assert probed.status.why_not_healthy() is None
    probed.workers = (GOOD, replace(GOOD, index=1, pid=pid, heartbeat_age=NOT_HEALTHY_AFTER + 1))
    assert (probed.status.why_not_healthy() or "").startswith("worker 1 ")


async def test_every_reason_is_listed(probed: Probed) -> None:
    await probed.serve(replace(WEB, endpoints=()))
    probed.workers = (DEAD,)
    assert probed.status.why_not_ready() == "no worker accepts: worker 0 is being replaced; no usable backend"
    probed.waits_for = "DNS has not answered yet for db.test"
    assert probed.status.why_not_ready() == (
        "no worker accepts: worker 0 is being replaced; DNS has not answered yet for db.test")


async def test_first_answers_must_be_in_force_and_later_ones_need_not(probed: Probed) -> None:
    await probed.serve(WEB)
    probed.waits_for = "DNS has not answered yet for db.test"
    assert probed.status.why_not_ready() == probed.waits_for
    probed.dataplane.may_go_on.clear()
    probed.controller.publish({"web": replace(WEB, endpoints=(Endpoint(TWO),))})
    probed.waits_for = ""
    assert probed.status.why_not_ready() == "what the sources say is not in force yet"
    probed.dataplane.may_go_on.set()
    await probed.dataplane.reaches(lambda snapshot: TWO in {one.address for one in snapshot.services["web"].backends})
    await asyncio.sleep(0)
    assert probed.status.why_not_ready() is None
    probed.dataplane.may_go_on.clear()
    probed.controller.publish({"web": WEB})
    assert probed.status.why_not_ready() is None, "a change must not end readiness"


async def test_program_that_could_apply_nothing_says_why(probed: Probed) -> None:
    probed.dataplane.failures.append(DataplaneError("no memory"))
    probed.controller.publish({"web": WEB})
    await probed.dataplane.is_asked(1)
    await asyncio.sleep(0)
    assert probed.status.why_not_ready() == "nothing applied yet: no memory"


async def test_backend_that_is_about_to_be_served_is_not_shown_as_removed(probed: Probed) -> None:
    probed.dataplane.may_go_on.clear()
    probed.controller.publish({"web": WEB})
    await probed.dataplane.is_asked(1)
    assert (probed.shown(), list(probed.status.stats().services)) == ([], [])
    probed.dataplane.may_go_on.set()
    await probed.serve(WEB)
    assert probed.shown() == [BackendKey("web", ONE)]
    probed.dataplane.may_go_on.clear()
    probed.controller.publish({"web": replace(WEB, endpoints=(Endpoint(ONE), Endpoint(TWO)))})
    await probed.dataplane.is_asked(2)
    assert probed.shown() == [BackendKey("web", ONE)]
    assert len(probed.status.stats().backends) == 1
    assert BackendKey("web", TWO) not in probed.status.stats().backends


async def test_refused_file_is_told_beside_readiness(probed: Probed) -> None:
    await probed.serve(WEB)
    probed.refusal = "lbproxy.yaml: line 3"
    assert (probed.status.program().refusal, probed.status.why_not_ready()) == ("lbproxy.yaml: line 3", None)
