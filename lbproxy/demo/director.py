"""Stops and starts backends while traffic flows, and looks at what the balancer tells of it."""

import asyncio
from collections import deque
from itertools import cycle

import aiohttp

from lbproxy.admin.schema import StateShape
from lbproxy.control.backend_state import FIRST_EJECTION
from lbproxy.demo.frame import Frame
from lbproxy.demo.pace import paced, pause
from lbproxy.demo.rows import BackendReading, reading, rows
from lbproxy.demo.screen import Show
from lbproxy.demo.stage import BackendProcess, Stage
from lbproxy.demo.story import Story
from lbproxy.demo.summary import Outcome
from lbproxy.demo.traffic import Traffic

LOOK_INTERVAL = 0.25
LOOKS_PER_RATE = 5
"""Rates are averages over so many looks, about a second."""
LAST_EVENTS = 8
"""Events that are shown."""
UNDISTURBED, STOPPED = 15.0, 5.0
"""Seconds that all backends run, and that one is stopped, in turns, while the demo has no end."""
GRACE = FIRST_EJECTION + 2.0
"""Seconds that a demo with an end may last longer if the balancer has not come back to the backend yet: on a very busy
machine checks may be so late that the backend is ejected first."""


class Director:
    """Owns the story. `over` ends the show; it is also set when the show's time has come."""

    def __init__(self, stage: Stage, traffic: Traffic, seconds: float | None, over: asyncio.Event) -> None:
        self._stage, self._traffic, self._seconds, self._over = stage, traffic, seconds, over
        self._story = Story()
        self._readings: deque[BackendReading] = deque(maxlen=LOOKS_PER_RATE)
        self._names = {str(backend.address): backend.name for backend in stage.backends}
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._is_played_out = False

    async def run(self, client: aiohttp.ClientSession, show: Show) -> None:
        """Play until it is over and every request has its answer. Raises `DemoError`, maybe in a group."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._traffic.run(self._over), name="traffic")
            group.create_task(self._act(), name="acts")
            async for _ in paced(LOOK_INTERVAL, self._over):
                await self._look(client)
                show(self._frame())
                self._end_in_time()
        await self._look(client)
        show(self._frame())

    def outcome(self) -> Outcome:
        """What it was, at the end."""
        return Outcome(self._now(), self._traffic.answered, self._traffic.failures, tuple(self._story.acts),
                       must_be_complete=self._is_played_out)

    def _now(self) -> float:
        return self._loop.time() - self._start

    async def _act(self) -> None:
        if self._seconds is None:
            for backend in cycle(self._stage.backends):
                if not await self._stop_and_start(backend, self._now() + UNDISTURBED, STOPPED):
                    return
        else:
            await self._stop_and_start(self._stage.backends[1], self._seconds / 3, self._seconds / 3)

    async def _stop_and_start(self, backend: BackendProcess, moment: float, seconds: float) -> bool:
        """Stop a backend at that moment and start it again so many seconds later; False if it was over before."""
        if not await pause(self._start + moment, self._over):
            return False
        self._story.stopped(self._now(), backend.name)
        await backend.stop()
        if not await pause(self._start + moment + seconds, self._over):
            return False
        await backend.start()
        self._story.started(self._now(), backend.name)
        return True

    async def _look(self, client: aiohttp.ClientSession) -> None:
        self._stage.check()
        for backend in self._stage.backends:
            code = await backend.lost()
            if code is not None:
                self._story.tell(self._now(), f"{backend.name} has ended by itself (exit code {code})")
        state = await _state(client, f"http://{self._stage.admin}/backends")
        if state is not None:
            self._readings.append(reading(self._now(), state))
            self._story.observe(self._now(), rows(self._names, self._readings), self._traffic.answered)

    def _end_in_time(self) -> None:
        late = self._now() - (self._seconds if self._seconds is not None else float("inf"))
        if late >= GRACE or (late >= 0 and all(act.is_complete for act in self._story.acts)):
            self._is_played_out = True
            self._over.set()

    def _frame(self) -> Frame:
        return Frame(self._stage.listen, self._stage.admin, self._now(), self._story.rows,
                     self._traffic.answered.total(), self._traffic.failures.total(),
                     tuple(self._story.events)[-LAST_EVENTS:])


async def _state(client: aiohttp.ClientSession, url: str) -> StateShape | None:
    """Ask the admin server; None if it does not answer, which the next look may mend."""
    try:
        async with client.get(url, timeout=aiohttp.ClientTimeout(total=2)) as answer:
            state: StateShape = await answer.json()
            return state
    except (aiohttp.ClientError, TimeoutError):
        return None
