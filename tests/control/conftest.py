import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry

from lbproxy.control import controller as module
from lbproxy.control.controller import Controller
from lbproxy.control.metrics import SyncMetrics
from lbproxy.model.snapshot import Snapshot

from .fake_dataplane import FakeDataplane


@pytest.fixture
def dataplane() -> FakeDataplane:
    return FakeDataplane()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def told() -> list[Snapshot]:
    """What the controller said that it has applied."""
    return []


@pytest.fixture
def idle(dataplane: FakeDataplane, registry: CollectorRegistry, told: list[Snapshot],
         monkeypatch: pytest.MonkeyPatch) -> Controller:
    """A controller that does not run yet, with little patience."""
    monkeypatch.setattr(module, "RETRY_INTERVAL", 0.02)
    monkeypatch.setattr(module, "REAP_INTERVAL", 0.005)
    return Controller(dataplane, SyncMetrics(registry), told.append)


@pytest.fixture
async def controller(idle: Controller) -> AsyncIterator[Controller]:
    """A controller that runs."""
    task = asyncio.create_task(idle.run())
    yield idle
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
