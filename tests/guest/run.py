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
from .silence import Silence

REPORTS = "LBPROXY_TEST_REPORTS"
"""The variable that names the file for reports; inside the guest only."""
SILENCE_LIMIT = 900.0
"""Seconds without a test that ends or a line of output, after which the guest counts as hanging. There is no limit on
the sum: how long all tests take depends on what else the machine does."""
TEST_LIMIT = 600
"""Seconds for one test, below the limit above: a test that hangs is ended by itself, and the others go on."""
GLANCE = 0.1
"""Seconds between two looks at what was reported."""


class Run:
    """Tests by their node ids, which run from now on; gives the reports of each test that has ended."""

    def __init__(self, config: pytest.Config, folder: Path, tests: list[str]) -> None:
        self.has_booted = self.has_ended = False
        self._started = self._booted = self._seen = time.monotonic()
        self._silence = Silence(SILENCE_LIMIT)
        self._count = 0
        self._reports: list[pytest.TestReport] = []
        (folder / "tests").write_text("\n".join(str(config.rootpath / test) for test in tests))
        compileall.compile_dir(REPOSITORY / "lbproxy", quiet=1)  # the guest can't keep what it has compiled
        self._reader = Reader(config, folder / "reports")
        self._guest = Guest(folder, _command(config, folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._guest:
            self._reader.close()

    def look(self, within: float = 0.0) -> None:
        """Take in what was reported so far, after waiting at most so many seconds for the end of the guest."""
        if self.has_ended:
            return
        self.has_ended = self._guest.has_ended(within)  # first, so that nothing comes after the last look
        found = self._reader.reports()
        self._reports += found
        self._count += len(found)
        if found or self.has_ended:
            self._seen = time.monotonic()
        if found and not self.has_booted:
            self.has_booted, self._booted = True, self._seen
        self._silence.note(self._count + self._guest.lines)

    def tests(self) -> Iterator[list[pytest.TestReport]]:
        """Give the reports of each test, set-up, call and tear-down, until the guest has ended or hangs."""
        yield from self._complete()
        while not self.has_ended and not self._silence.is_too_long():
            self.look(GLANCE)
            yield from self._complete()

    def summary(self) -> str:
        """How long it took, and how it ended if not by itself."""
        up, done = self._booted - self._started, self._seen - self._started
        end = "" if self.has_ended else f"; it was ended, as nothing was heard of it for {SILENCE_LIMIT:.0f} s"
        return f"the guest was up after {up:.0f} s, and done after {done:.0f} s{end}"

    def console(self) -> str:
        """The end of what it said."""
        return self._guest.console()

    def _complete(self) -> Iterator[list[pytest.TestReport]]:
        """Hand over the tests whose last report is there."""
        while True:
            ends = [place for place, report in enumerate(self._reports, 1) if report.when == "teardown"]
            if not ends:
                return
            reports, self._reports = self._reports[:ends[0]], self._reports[ends[0]:]
            yield reports


def _command(config: pytest.Config, folder: Path) -> list[str]:
    """The same tests with the same environment; only the plugins that they need, for a faster start."""
    environment = {REPORTS: folder / "reports", "CI": os.environ.get("CI", "false"), "PYTHONDONTWRITEBYTECODE": 1,
                   "PYTEST_DISABLE_PLUGIN_AUTOLOAD": 1, "TMPDIR": "/dev/shm"}  # noqa: S108 - the guest's own
    return ["env", *(f"{name}={value}" for name, value in environment.items()),
            sys.executable, "-m", "pytest", "--rootdir", str(config.rootpath), "-p", "pytest_asyncio.plugin",
            "-p", "pytest_timeout", "-p", "no:cacheprovider", f"--timeout={TEST_LIMIT}", f"@{folder / 'tests'}"]
