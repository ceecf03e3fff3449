"""What holds for all tests: in CI nothing may be skipped that the machine can be made to run."""

import os
from collections.abc import Generator

import pytest

# Labs of these tests go by a word of their own: others may stand on this machine meanwhile. Before anything imports the
# lab, which reads it then, and for all that tests start.
os.environ["BENCH_LAB"] = f"t{os.getpid()}"

pytest_plugins = ["pytester", "tests.guest.plugin"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
