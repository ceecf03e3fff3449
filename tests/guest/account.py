"""In the guest: every report is written down as it is made, for the run outside."""

import json
from pathlib import Path

import pytest


class Account:
    """A plugin that appends reports to a file, one a line."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._file = path.open("a", buffering=1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        written = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._file.write(json.dumps(written) + "\n")

    def pytest_unconfigure(self) -> None:
        self._file.close()


class Reader:
    """The other end: what was added since the last time."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        path.touch()
        self._config = config
        self._file = path.open()
        self._started = ""

    def reports(self) -> list[pytest.TestReport]:
        """All that are complete."""
        *lines, self._started = (self._started + self._file.read()).split("\n")
        return [self._report(line) for line in lines]

    def close(self) -> None:
        self._file.close()

    def _report(self, line: str) -> pytest.TestReport:
        report = self._config.hook.pytest_report_from_serializable(config=self._config, data=json.loads(line))
        assert isinstance(report, pytest.TestReport)
        reason: object = report.longrepr
        if isinstance(reason, list):  # a skip's place and reason; JSON knows no tuples, JUnit insists on one
            path, number, why = reason
            report.longrepr = (path, number, why)
        return report
