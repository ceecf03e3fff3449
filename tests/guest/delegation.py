"""Outside the guest: takes the tests that this kernel can't run out of the session, and has them run beside the others.

The guest boots before the first test here, and what it reports is told after the last one.
"""

import os
from collections.abc import Generator, Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest

from . import kernel
from .machine import CannotBootError
from .run import Run

Reports = Iterable[pytest.TestReport]
Outcome = Literal["failed", "skipped"]


class Delegation:
    """A plugin that has tests run elsewhere."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._says = ""
        """What the summary is to say of the guest."""
        self._run: Run | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        items = _taken(session) if _will_run(session) else []
        if not items:
            return (yield)
        with ExitStack() as stack:  # it ends the guest whatever happens here: a failure with -x, Ctrl-C
            try:
                self._run = stack.enter_context(self._started(stack, items))
            except CannotBootError as error:
                result = yield
                self._give_up(items, f"no guest to run it in: {error}")
            else:
                result = yield
                self._follow(session, self._run, {item.nodeid: item for item in items})
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Look at the guest between two tests here, so that it is known when it was last heard of."""
        result = yield
        if self._run:
            self._run.look()
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._says:
            terminalreporter.section("tests of the kernel", yellow=True)
            terminalreporter.write_line(self._says)

    def _started(self, stack: ExitStack, items: list[pytest.Item]) -> Run:
        folder = stack.enter_context(TemporaryDirectory(prefix="lbproxy-guest-"))
        return Run(self._config, Path(folder), [item.nodeid for item in items])

    def _follow(self, session: pytest.Session, run: Run, waiting: dict[str, pytest.Item]) -> None:
        """Pass on what the guest reports, until it has ended or no more is wanted."""
        for reports in run.tests():
            item = waiting.pop(reports[0].nodeid)
            _log(item, reports)
            if session.shouldfail or session.shouldstop:
                return
        self._says = run.summary()
        if not run.has_booted:
            self._give_up([*waiting.values()], f"the guest did not boot; it said\n{run.console()}")
        for item in waiting.values() if run.has_booted else ():
            _log(item, _unrun(item, "failed", f"{run.summary()}, before this test did; it said\n{run.console()}"))

    def _give_up(self, items: list[pytest.Item], reason: str) -> None:
        """A failure in CI; elsewhere they are skipped, and the summary says so."""
        self._says = f"{len(items)} TESTS DID NOT RUN: {reason}"
        outcome: Outcome = "failed" if os.environ.get("CI") == "true" else "skipped"
        for item in items:
            _log(item, _unrun(item, outcome, reason))


def _will_run(session: pytest.Session) -> bool:
    """As pytest itself decides: not if that was not asked for, nor after errors of collection."""
    option = session.config.option
    return not option.collectonly and (option.continue_on_collection_errors or not session.testsfailed)


def _taken(session: pytest.Session) -> list[pytest.Item]:
    """Remove from the session what it can't run."""
    marked = [item for item in session.items if item.get_closest_marker("kernel")]
    if not marked or kernel.is_fit():
        return []
    session.items = [item for item in session.items if item not in marked]
    return marked


def _log(item: pytest.Item, reports: Reports) -> None:
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def _unrun(item: pytest.Item, outcome: Outcome, reason: str) -> Reports:
    """Make up the reports of a test that was never run: pytest's own bookkeeping wants an end after each start."""
    text = reason if outcome == "failed" else (str(item.path), item.location[1] or 0, f"Skipped: {reason}")
    yield pytest.TestReport(item.nodeid, item.location, {}, outcome, text, "setup")
    yield pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "teardown")
