"""The userspace dataplane: the log of pauses in accepting, which come in bursts."""

import asyncio
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from lbproxy.dataplanes.userspace.main import supervisor
from lbproxy.dataplanes.userspace.main.supervisor import PauseLog

PAUSED, RESUMED = "accepting paused", "accepting resumed"


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EventDict]]:
    monkeypatch.setattr(supervisor, "CALM", 0.02)
    with capture_logs() as logs:
        yield logs


async def calm() -> None:
    """Let more time pass than it takes to call a pause over."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(supervisor.CALM + 0.01, passed.set)
    await passed.wait()


def pause(worker: PauseLog) -> None:
    worker.begin("Too many open files", 100)


async def test_shortage_is_told_once_however_often_it_is_met(logs: list[EventDict]) -> None:
    worker = PauseLog(3)
    for _ in range(5):
        pause(worker)
        worker.end()
    line, = logs
    assert (line["event"], line["worker"], line["reason"], line["limit"]) == (PAUSED, 3, "Too many open files", 100)
    await calm()
    assert [line["event"] for line in logs] == [PAUSED, RESUMED]


async def test_pause_that_goes_on_is_not_told_to_be_over(logs: list[EventDict]) -> None:
    worker = PauseLog(0)
    pause(worker)
    worker.end()
    pause(worker)
    await calm()
    assert [line["event"] for line in logs] == [PAUSED]


async def test_next_shortage_is_told_again(logs: list[EventDict]) -> None:
    worker = PauseLog(0)
    for _ in range(2):
        pause(worker)
        worker.end()
        await calm()
    assert [line["event"] for line in logs] == [PAUSED, RESUMED] * 2


async def test_nothing_is_told_of_a_worker_that_died(logs: list[EventDict]) -> None:
    worker = PauseLog(0)
    pause(worker)
    worker.end()
    worker.forget()
    await calm()
    assert [line["event"] for line in logs] == [PAUSED]
