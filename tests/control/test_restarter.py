"""Long-lived tasks that fail."""

import asyncio
from collections import Counter

import pytest
import structlog

from lbproxy import tasks
from lbproxy.tasks import Restarter


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "SHORTEST_DELAY", 0.001)
    monkeypatch.setattr(tasks, "LONGEST_DELAY", 0.002)


class Failing:
    """Work that fails so many times, then returns."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)

    async def work(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


@pytest.mark.parametrize("error", [
    ValueError("a header"), RuntimeError("no home directory"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"),
    AssertionError(), OSError(24, "Too many open files"), ExceptionGroup("several", [KeyError("x")]),
    asyncio.CancelledError(), StopAsyncIteration(), MemoryError(), RecursionError(),
], ids=repr)
async def test_whatever_is_raised_is_counted_and_the_task_starts_again(error: BaseException) -> None:
    counted: Counter[str] = Counter()
    failing = Failing(error, error)
    await Restarter(lambda task: counted.update([task])).run("watch", failing.work)
    assert counted == {"watch": 2}
    assert not failing.errors


async def test_traceback_is_logged_once() -> None:
    with structlog.testing.capture_logs() as lines:
        await Restarter().run("watch", Failing(*[ValueError("x")] * 5, KeyError("y")).work)
    assert [(line["event"], line["task"], line["error"]) for line in lines] == [
        ("a task failed, starting it again", "watch", "ValueError('x')"),
        ("a task failed, starting it again", "watch", "KeyError('y')")]
    assert all(isinstance(line["exc_info"], Exception) for line in lines)


async def test_cancelled_task_ends() -> None:
    task = asyncio.create_task(Restarter().run("watch", asyncio.Event().wait))  # type: ignore[arg-type]  # gives True
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_fatal_error_is_raised() -> None:
    with pytest.raises(KeyError):
        await Restarter().run("controller", Failing(ValueError(), KeyError()).work, fatal=KeyError)


async def test_task_shows_before_it_fails() -> None:
    shown: list[str] = []
    await Restarter(show=shown.append).run("watch", Failing(ValueError("x")).work)
    assert shown == ["watch"]
