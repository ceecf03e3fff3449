"""The userspace dataplane in the probes: should clients come, should the process be replaced."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from lbproxy.admin.api import program_status as status_module
from lbproxy.admin.api.program_status import ControllerStatus
from lbproxy.control.controller import Controller
from lbproxy.control.metrics import SyncMetrics
from lbproxy.dataplanes.userspace.main.dataplane import UserspaceDataplane
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Service

from .harness import Harness, active, down, draining, web
from .kinds import userspace


class Probed(Harness):
    """A userspace dataplane with one worker, and what the probes say of it."""

    def __init__(self) -> None:
        super().__init__(userspace(1))
        assert isinstance(self.dataplane, UserspaceDataplane)
        self._controller = Controller(self.dataplane, SyncMetrics(CollectorRegistry()), print)
        self.is_stopping = False
        self.waits_for = ""
        self.status = ControllerStatus(self._controller, self.dataplane, self.dataplane.workers,
                                       lambda: self.is_stopping, lambda: self.waits_for, "userspace")

    async def show(self, *services: Service) -> None:
        """Apply, as a controller would."""
        self._controller.applied = await self.apply(*services)

    def worker(self) -> int:
        """The pid."""
        pid = self.dataplane.stats().workers[0].pid
        assert pid is not None
        return pid


@pytest.fixture
async def probed() -> AsyncIterator[Probed]:
    probed = Probed()
    yield probed
    await probed.end()


async def test_program_that_has_applied_nothing_is_healthy_and_not_ready(probed: Probed) -> None:
    assert (probed.status.why_not_ready(), probed.status.why_not_healthy()) == ("nothing applied yet", None)


async def test_program_is_ready_while_some_backend_is_open(probed: Probed, listen: Address) -> None:
    alpha, = await probed.backends("alpha")
    for backend, why_not in ((active(alpha), None), (down(alpha), "no usable backend"),
                             (draining(alpha, is_open=True), None), (draining(alpha), "no usable backend")):
        await probed.show(web(listen, backend))
        assert probed.status.why_not_ready() == why_not
    probed.waits_for = "the Kubernetes API has not answered yet for default/web"
    assert probed.status.why_not_ready() == "the Kubernetes API has not answered yet for default/web"
    probed.is_stopping = True
    assert (probed.status.why_not_ready(), probed.status.why_not_healthy()) == ("shutting down", None)


async def test_worker_that_died_is_a_matter_of_readiness_until_it_is_replaced(probed: Probed, listen: Address) -> None:
    alpha, = await probed.backends("alpha")
    await probed.show(web(listen, active(alpha)))
    os.kill(probed.worker(), signal.SIGKILL)
    await probed.until(lambda: probed.status.why_not_ready() == "no worker accepts: worker 0 is being replaced")
    assert probed.status.why_not_healthy() is None, "a liveness probe would reset the other workers' connections"
    await probed.until(lambda: probed.status.why_not_ready() == "no worker accepts: worker 0 is starting")
    await probed.until(lambda: probed.status.why_not_ready() is None)


async def test_worker_that_hangs_is_unhealthy_only_after_its_repair_has_failed(
        probed: Probed, listen: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "HEARTBEAT_LIMIT", 0.3)
    monkeypatch.setattr(status_module, "NOT_HEALTHY_AFTER", 1.0)
    alpha, = await probed.backends("alpha")
    await probed.show(web(listen, active(alpha)))
    pid = probed.worker()
    os.kill(pid, signal.SIGSTOP)
    await probed.until(lambda: "no worker accepts: worker 0 has not answered" in (probed.status.why_not_ready() or ""))
    await probed.until(lambda: f"worker 0 (pid {pid}) has not answered" in (probed.status.why_not_healthy() or ""))
    os.kill(pid, signal.SIGCONT)
    await probed.until(lambda: (probed.status.why_not_healthy(), probed.status.why_not_ready()) == (None, None))


async def test_program_tells_its_dataplane_and_what_troubles_it(probed: Probed) -> None:
    assert (probed.status.program().dataplane, probed.status.program().trouble) == ("userspace", "")
    probed._controller.trouble = "address in use"
    assert probed.status.program().trouble == "address in use"
