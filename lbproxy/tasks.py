"""Keeps long-lived tasks running: what one of them raises ends neither the others nor the program.

Which exceptions libraries raise is an open set. A task that fails is logged and counted, and started again; until then
what it has published stays in force.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

SHORTEST_DELAY, LONGEST_DELAY = 0.1, 30.0
"""Seconds until the first restart, and the most to which the delay doubles."""
LONG_LIFE = 60.0
"""Seconds after which a failure is a new one: it is logged in full, and the delay is the shortest again."""

log = structlog.get_logger()


class Restarter:
    """Runs tasks, and starts those again that raise.

    `count` gets the name of the task at each failure, `show` when it begins, so that its count of 0 can be seen.
    """

    def __init__(self, count: Callable[[str], None] = lambda _: None,
                 show: Callable[[str], None] = lambda _: None) -> None:
        self._count, self._show = count, show
        self._logged: dict[tuple[str, str], float] = {}

    async def run(self, task: str, work: Callable[[], Awaitable[None]],
                  fatal: type[Exception] | tuple[()] = ()) -> None:
        """Do the work until it returns or is cancelled. What is `fatal` is raised, all else makes it start again.

        `task` names its kind, in a word or two: it is a label of a metric.
        """
        self._show(task)
        delay = 0.0
        while True:
            began = monotonic()
            try:
                await work()
            except fatal:
                raise
            except asyncio.CancelledError as error:
                if _is_cancelled():
                    raise
                self._note(task, error)  # it waited for something that was cancelled
            except Exception as error:  # noqa: BLE001 - see above: an open set; none is swallowed
                self._note(task, error)
            else:
                return
            is_new = monotonic() - began > LONG_LIFE
            delay = SHORTEST_DELAY if is_new else min(2 * delay or SHORTEST_DELAY, LONGEST_DELAY)
            await asyncio.sleep(delay)

    def _note(self, task: str, error: BaseException) -> None:
        """Count each failure, but log the same one once: ten thousand checks may fail alike."""
        self._count(task)
        key, now = (task, type(error).__name__), monotonic()
        if now - self._logged.get(key, -LONG_LIFE) >= LONG_LIFE:
            log.error("a task failed, starting it again", task=task, error=repr(error), exc_info=error)
        self._logged[key] = now


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
