"""Runs the demo from its first process to its summary, and ends every process whatever happens."""

import asyncio
import signal
import sys
from contextlib import ExitStack

from rich.console import Console

from lbproxy.demo.children import Children
from lbproxy.demo.director import Director
from lbproxy.demo.errors import DemoError
from lbproxy.demo.screen import showing
from lbproxy.demo.stage import Stage
from lbproxy.demo.summary import Outcome, summary
from lbproxy.demo.traffic import Traffic, make_client

HEALTH_INTERVAL = 0.5
"""Seconds between two checks of a backend; less in a short demo, whose acts would be over before."""
CHECKS_PER_DEMO = 50
"""So many that checks find the stopped backend before it has refused enough connections to be ejected for long."""
SHORTEST_INTERVAL = 0.01
INTERRUPTED = 130
"""The exit code after a second Ctrl-C."""


class Ending:
    """The first signal ends the demo in order, the second at once."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.is_hurried = False

    def follow(self, children: Children) -> None:
        """Obey signals from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, children)

    def _on_signal(self, children: Children) -> None:
        if self.over.is_set():
            self.is_hurried = True
            children.kill()
        self.over.set()


def run(seconds: float | None) -> int:
    """Play; see `lbproxy.demo.run`."""
    console = Console()
    try:
        return asyncio.run(_run(seconds, console))
    except DemoError as error:
        print(f"lbproxy demo: {error}", file=sys.stderr)  # noqa: T201 - what a command line is for
        return 1


async def _run(seconds: float | None, console: Console) -> int:
    ending = Ending()
    try:
        outcome = await _play(seconds, console, ending)
    except DemoError:
        if ending.is_hurried:
            return INTERRUPTED
        raise
    for line in summary(outcome):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return INTERRUPTED if ending.is_hurried else outcome.exit_code


async def _play(seconds: float | None, console: Console, ending: Ending) -> Outcome:
    with ExitStack() as resources:
        async with Children() as children, make_client() as client:
            ending.follow(children)
            stage = Stage(children, client, resources)
            await stage.start(_health_interval(seconds))
            director = Director(stage, Traffic(client, f"http://{stage.listen}/"), seconds, ending.over)
            troubles: list[Exception] = []
            try:
                with showing(console) as show:
                    await director.run(client, show)
            except* DemoError as group:
                troubles.extend(group.exceptions)
            if troubles:
                raise troubles[0]
            await stage.stop()
            return director.outcome()


def _health_interval(seconds: float | None) -> float:
    if seconds is None:
        return HEALTH_INTERVAL
    return min(HEALTH_INTERVAL, max(SHORTEST_INTERVAL, seconds / CHECKS_PER_DEMO))
