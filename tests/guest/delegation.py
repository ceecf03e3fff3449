"""Outside the guest: takes the tests that this kernel can't run out of the session, and reports them when it ends."""

import os
from collections.abc import Generator, Iterable
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

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        items = [] if self._config.option.collectonly else _taken(session)
        result = yield
        if items:
            self._delegate(session, items)
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._says:
            terminalreporter.section("tests of the kernel", yellow=True)
            terminalreporter.write_line(self._says)

    def _delegate(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        with TemporaryDirectory(prefix="lbproxy-guest-") as folder:
            try:
                run = Run(self._config, Path(folder), [item.nodeid for item in items])
            except CannotBootError as error:
                self._give_up(items, f"no guest to run it in: {error}")
                return
            with run:
                self._follow(session, run, {item.nodeid: item for item in items})

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
