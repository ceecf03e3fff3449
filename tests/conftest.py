"""For all tests: what is skipped is told aloud, and in CI nothing may be that the machine can be made to run."""

import os
from collections import Counter
from collections.abc import Generator

import pytest
from hypothesis import settings

# How long an example takes tells how busy the machine is. What hangs is ended by the limit of the test.
settings.register_profile("any-speed", deadline=None)
settings.load_profile("any-speed")

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped, and why: a run that is green may have left out what matters."""
    skipped = [report for report in terminalreporter.getreports("skipped") if isinstance(report, pytest.TestReport)]
    if skipped:
        terminalreporter.section(f"{len(skipped)} TESTS WERE SKIPPED", sep="*", yellow=True)
    for (reason, file), count in sorted(Counter(map(_reason_and_file, skipped)).items()):
        terminalreporter.write_line(f"{reason}: {count} of {file}", yellow=True)


def _reason_and_file(report: pytest.TestReport) -> tuple[str, str]:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: "), report.nodeid.partition("::")[0]
