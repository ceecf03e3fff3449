"""One run of tests in a guest, from its boot to its end."""

import compileall
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from .account import Reader
from .machine import REPOSITORY, Guest

REPORTS = "LBPROXY_TEST_REPORTS"
"""The variable that names the file for reports; inside the guest only."""
LIMIT = 900.0
"""Seconds for all of it, on a machine that is busy with other things too; alone on two cores it takes a third."""
TEST_LIMIT = 150
"""Seconds for one test: Python is about ten times slower there."""
GLANCE = 0.1
"""Seconds between two looks at what was reported."""


class Run:
    """Tests by their node ids; gives the reports of each as soon as it is done."""

    def __init__(self, config: pytest.Config, folder: Path, tests: list[str]) -> None:
        self.has_booted = False
        self._started = time.monotonic()
        self._booted = self._started
        (folder / "tests").write_text("\n".join(str(config.rootpath / test) for test in tests))
        compileall.compile_dir(REPOSITORY / "lbproxy", quiet=1)  # the guest can't keep what it has compiled
        self._reader = Reader(config, folder / "reports")
        self._guest = Guest(folder, _command(config, folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._guest:
            self._reader.close()

    def tests(self) -> Iterator[list[pytest.TestReport]]:
        """Give the reports of each test that has ended: set-up, call, tear-down."""
        reports: list[pytest.TestReport] = []
        for report in self._reports():
            reports.append(report)
            if report.when == "teardown":
                yield reports
                reports = []

    def summary(self) -> str:
        """How long it took."""
        return f"the guest was up after {self._booted - self._started:.0f} s, and done after {self._elapsed():.0f} s"

    def console(self) -> str:
        """The end of what it said."""
        return self._guest.console()

    def _reports(self) -> Iterator[pytest.TestReport]:
        has_ended = False
        while not has_ended and self._elapsed() < LIMIT:
            has_ended = self._guest.has_ended(within=GLANCE)  # first, so that nothing comes after the last look
            for report in self._reader.reports():
                self._note_boot()
                yield report

    def _note_boot(self) -> None:
        if not self.has_booted:
            self.has_booted, self._booted = True, time.monotonic()

    def _elapsed(self) -> float:
        return time.monotonic() - self._started


def _command(config: pytest.Config, folder: Path) -> list[str]:
    """The same tests with the same environment; only the plugins that they need, for a faster start."""
    environment = {REPORTS: folder / "reports", "CI": os.environ.get("CI", "false"), "PYTHONDONTWRITEBYTECODE": 1,
                   "PYTEST_DISABLE_PLUGIN_AUTOLOAD": 1, "TMPDIR": "/dev/shm"}  # noqa: S108 - the guest's own
    return ["env", *(f"{name}={value}" for name, value in environment.items()),
            sys.executable, "-m", "pytest", "--rootdir", str(config.rootpath), "-p", "pytest_asyncio.plugin",
            "-p", "pytest_timeout", "-p", "no:cacheprovider", f"--timeout={TEST_LIMIT}", f"@{folder / 'tests'}"]
