"""What holds for all tests: in CI nothing may be skipped that the machine can be made to run."""

import os
from collections.abc import Generator

import pytest

pytest_plugins = ["pytester", "tests.guest.plugin"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
