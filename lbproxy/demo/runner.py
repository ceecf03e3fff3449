"""Runs the demo: stops and starts backends while traffic flows, and shows what the balancer reports.

From the first process to the summary; whatever happens, every process has ended afterwards.
"""

import asyncio
import signal
import sys
from collections import deque
from contextlib import ExitStack
from itertools import cycle

import aiohttp
from rich.console import Console

from lbproxy.admin.schema import StateShape
from lbproxy.control.backend_state import FIRST_EJECTION
from lbproxy.demo.children import Children
from lbproxy.demo.display import Show, display
from lbproxy.demo.frame import Frame, Sample, backend_rows, read_sample
from lbproxy.demo.log import DemoLog, Outcome, summary
from lbproxy.demo.processes import BackendProcess, DemoError, DemoProcesses
from lbproxy.demo.ticker import ticks, wait_until
from lbproxy.demo.traffic import Traffic, make_client

POLL_INTERVAL = 0.25
"""Seconds between two questions to the balancer, and two frames."""
SAMPLES_PER_RATE = 5
"""Rates are averages over so many samples, about a second."""
LAST_EVENTS = 8
"""Events that are shown."""
RUNNING, STOPPED = 15.0, 5.0
"""Seconds between two outages, and of each outage, while the demo has no end."""
GRACE = FIRST_EJECTION + 2.0
"""Seconds that a demo with an end may last longer, until the balancer uses the stopped backend again.

On a very busy machine the checks may be so late that refused connections eject the backend first.
"""
HEALTH_INTERVAL = 0.5
"""Seconds between two checks of a backend; less in a short demo, which would end before the checks notice anything."""
CHECKS_PER_DEMO = 50
"""So many that a check finds the stopped backend before it has refused enough connections to be ejected for long."""
SHORTEST_INTERVAL = 0.01
INTERRUPTED = 130
"""The exit code after a second Ctrl-C: 128 + SIGINT, as shells have it."""


def run(seconds: float | None) -> int:
    """See `lbproxy.demo.run`."""
    console = Console()
    try:
        return asyncio.run(_run(seconds, console))
    except DemoError as error:
        print(f"lbproxy demo: {error}", file=sys.stderr)  # noqa: T201 - what a command line is for
        return 1


class StopSignals:
    """The first signal ends the demo in order, the second at once."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.is_forced = False

    def handle(self, children: Children) -> None:
        """Handle SIGINT, SIGTERM and SIGHUP from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, children)

    def _on_signal(self, children: Children) -> None:
        if self.stop.is_set():
            self.is_forced = True
            children.kill()
        self.stop.set()


async def _run(seconds: float | None, console: Console) -> int:
    signals = StopSignals()
    try:
        outcome = await _play(seconds, console, signals)
    except DemoError:
        if signals.is_forced:
            return INTERRUPTED
        raise
    for line in summary(outcome):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return INTERRUPTED if signals.is_forced else outcome.exit_code


async def _play(seconds: float | None, console: Console, signals: StopSignals) -> Outcome:
    with ExitStack() as resources:
        async with Children() as children, make_client() as client:
            signals.handle(children)
            processes = DemoProcesses(children, client, resources)
            await processes.start(_health_interval(seconds))
            runner = DemoRunner(processes, Traffic(client, f"http://{processes.listen}/"), seconds, signals.stop)
            # What is raised inside of `except*` is wrapped in a group again, so the errors are taken out of it.
            errors: list[Exception] = []
            try:
                with display(console) as show:
                    await runner.run(client, show)
            except* DemoError as group:
                errors.extend(group.exceptions)
            if errors:
                raise errors[0]
            await processes.stop()
            return runner.outcome()


def _health_interval(seconds: float | None) -> float:
    if seconds is None:
        return HEALTH_INTERVAL
    return min(HEALTH_INTERVAL, max(SHORTEST_INTERVAL, seconds / CHECKS_PER_DEMO))


class DemoRunner:
    """Lets traffic and outages happen until `stop` is set, which it also does itself when the demo's time is over."""

    def __init__(self, processes: DemoProcesses, traffic: Traffic, seconds: float | None, stop: asyncio.Event) -> None:
        self._processes, self._traffic, self._seconds, self._stop = processes, traffic, seconds, stop
        self._log = DemoLog()
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_PER_RATE)
        self._names = {str(backend.address): backend.name for backend in processes.backends}
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._has_run_its_time = False

    async def run(self, client: aiohttp.ClientSession, show: Show) -> None:
        """Run until `stop` is set and every request has its answer. Raises `DemoError`, maybe in a group."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._traffic.run(self._stop), name="traffic")
            group.create_task(self._make_outages(), name="outages")
            async for _ in ticks(POLL_INTERVAL, self._stop):
                await self._poll(client)
                show(self._frame())
                self._end_in_time()
        await self._poll(client)
        show(self._frame())

    def outcome(self) -> Outcome:
        """Return what happened, after `run`."""
        return Outcome(self._now(), self._traffic.answered, self._traffic.failures, tuple(self._log.outages),
                       must_be_complete=self._has_run_its_time)

    def _now(self) -> float:
        return self._loop.time() - self._start

    async def _make_outages(self) -> None:
        if self._seconds is None:
            for backend in cycle(self._processes.backends):
                if not await self._stop_and_start(backend, self._now() + RUNNING, STOPPED):
                    return
        else:
            await self._stop_and_start(self._processes.backends[1], self._seconds / 3, self._seconds / 3)

    async def _stop_and_start(self, backend: BackendProcess, moment: float, seconds: float) -> bool:
        """Stop a backend at that moment and start it again so many seconds later; False if the demo ended before."""
        if not await wait_until(self._start + moment, self._stop):
            return False
        self._log.stopped(self._now(), backend.name)
        await backend.stop()
        if not await wait_until(self._start + moment + seconds, self._stop):
            return False
        await backend.start()
        self._log.started(self._now(), backend.name)
        return True

    async def _poll(self, client: aiohttp.ClientSession) -> None:
        self._processes.check()
        for backend in self._processes.backends:
            code = await backend.crashed()
            if code is not None:
                self._log.add(self._now(), f"{backend.name} ended unexpectedly (exit code {code})")
        state = await _state(client, f"http://{self._processes.admin}/backends")
        if state is not None:
            self._samples.append(read_sample(self._now(), state))
            self._log.observe(self._now(), backend_rows(self._names, self._samples), self._traffic.answered)

    def _end_in_time(self) -> None:
        # Without an end `late` is minus infinity: the conditions below are false for ever.
        late = self._now() - (self._seconds if self._seconds is not None else float("inf"))
        if late >= GRACE or (late >= 0 and all(outage.is_complete for outage in self._log.outages)):
            self._has_run_its_time = True
            self._stop.set()

    def _frame(self) -> Frame:
        return Frame(self._processes.listen, self._processes.admin, self._now(), self._log.rows,
                     self._traffic.answered.total(), self._traffic.failures.total(),
                     tuple(self._log.events)[-LAST_EVENTS:])


async def _state(client: aiohttp.ClientSession, url: str) -> StateShape | None:
    """Ask the admin server; None if it does not answer, as while the machine is very busy: the next poll may work."""
    try:
        async with client.get(url, timeout=aiohttp.ClientTimeout(total=2)) as answer:
            state: StateShape = await answer.json()
            return state
    except (aiohttp.ClientError, TimeoutError):
        return None
