"""What a guest reports counts as if it had happened here. This guest is a process of this machine: nothing boots."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

CONFTEST = """
    from tests.guest import kernel, machine

    pytest_plugins = ["tests.guest.plugin"]
    kernel.is_fit = lambda: False
    machine.booting = lambda folder, command: {booting}
"""
PLAIN, NEVER = "command", '["sh", "-c", "echo Kernel panic; exit 1"]'
TESTS = """
    import os, pytest

    pytestmark = pytest.mark.kernel

    def test_passes(): print("said by the guest")
    def test_fails():
        print("said by the guest")
        assert os.getpid() == {pid}
    def test_skips(): pytest.skip("for a reason")
    @pytest.mark.xfail(strict=True)
    def test_fails_as_expected(): assert 0
    @pytest.mark.parametrize("word", ["a b", "[c]", "é"])
    def test_has(word): pass
    @pytest.fixture
    def broken(): raise OSError("no ground")
    def test_is_not_set_up(broken): pass
"""
HERE = "def test_here(): pass"


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of its own, in no CI, without the plugins that it would only wait for."""
    monkeypatch.setenv("CI", "false")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib")
    return pytester


def run(inner: pytest.Pytester, booting: str = PLAIN, **tests: str) -> pytest.RunResult:
    inner.makeconftest(CONFTEST.format(booting=booting))
    inner.makepyfile(**tests)
    return inner.runpytest_subprocess("-rA", "--junitxml=junit.xml")


def test_outcomes_and_output_are_those_of_the_guest(inner: pytest.Pytester) -> None:
    result = run(inner, test_there=TESTS.format(pid=0), test_here=HERE)
    result.assert_outcomes(passed=5, failed=1, skipped=1, xfailed=1, errors=1)
    result.stdout.fnmatch_lines(["*no ground*", "*assert * == 0*", "*said by the guest*", "the guest was up after *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_junit_has_them_all(inner: pytest.Pytester) -> None:
    run(inner, test_there=TESTS.format(pid=0), test_here=HERE)
    suite = ET.parse(inner.path / "junit.xml").find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "9", "failures": "1", "errors": "1", "skipped": "2"}


def test_order_of_the_others_is_kept_and_they_run_here(inner: pytest.Pytester) -> None:
    result = run(inner, test_a=TESTS.format(pid=0), test_b=HERE)
    result.stdout.fnmatch_lines(["test_b.py*", "test_a.py*"])


def test_guest_runs_beside_the_tests_here(inner: pytest.Pytester) -> None:
    """Each waits for the other: one after the other, both would hang."""
    os.mkfifo(inner.path / "fifo")
    result = run(inner, test_here=f"def test_here(): assert open({str(inner.path / 'fifo')!r}).read() == 'hello'",
                 test_there=f"""
        import pytest
        pytestmark = pytest.mark.kernel
        def test_there(): open({str(inner.path / "fifo")!r}, "w").write("hello")
    """)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["test_here.py*", "test_there.py*"])


def test_first_failure_here_ends_the_guest_when_that_is_asked_for(inner: pytest.Pytester) -> None:
    os.mkfifo(inner.path / "fifo")
    inner.makeconftest(CONFTEST.format(booting=PLAIN))
    inner.makepyfile(test_here="def test_here(): assert 0", test_there=f"""
        import pytest
        pytestmark = pytest.mark.kernel
        def test_there(): open({str(inner.path / "fifo")!r})
    """)
    inner.runpytest_subprocess("-x").assert_outcomes(failed=1)


def test_guest_ends_with_a_session_that_is_killed(inner: pytest.Pytester) -> None:
    fifo = inner.path / "fifo"
    os.mkfifo(fifo)
    inner.makeconftest(CONFTEST.format(booting=PLAIN))
    inner.makepyfile(test_there=f"""
        import time, pytest
        pytestmark = pytest.mark.kernel
        def test_there():
            with open({str(fifo)!r}, "w", buffering=1) as outside:
                outside.write("is up\\n")
                time.sleep(3600)
    """)
    with inner.popen([sys.executable, "-m", "pytest"], stdin=subprocess.DEVNULL) as session, fifo.open() as heard:
        assert heard.readline() == "is up\n"
        session.kill()
        assert heard.read() == "", "its end of the pipe is closed"


def test_guest_that_dies_fails_what_it_has_not_reported(inner: pytest.Pytester) -> None:
    result = run(inner, test_there="""
        import os, pytest
        pytestmark = pytest.mark.kernel
        def test_first(): pass
        def test_crash(): os.write(2, b"BUG: unable to handle"), os._exit(1)
        def test_last(): pass
    """)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*before this test did*"])


def test_guest_that_says_nothing_for_too_long_is_ended(inner: pytest.Pytester) -> None:
    """Time goes by in the inner session, five minutes with every look, as soon as the second test hangs."""
    result = run(inner, test_there="""
        import itertools, pathlib, time, pytest
        from tests.guest import run, silence

        pytestmark = pytest.mark.kernel
        hangs = pathlib.Path(__file__).with_name("hangs")
        passed = itertools.count(step=300)
        run.Silence = lambda limit: silence.Silence(limit, lambda: next(passed) if hangs.exists() else 0)

        def test_first(): pass
        def test_hangs(): hangs.touch(), time.sleep(3600)
    """)
    result.stdout.fnmatch_lines(["*nothing was heard of it for 900 s*"])
    result.assert_outcomes(passed=1, errors=1)


def test_guest_that_does_not_boot_is_a_loud_skip(inner: pytest.Pytester) -> None:
    result = run(inner, NEVER, test_there=TESTS.format(pid=0), test_here=HERE)
    result.assert_outcomes(passed=1, skipped=8)
    result.stdout.fnmatch_lines(["8 TESTS DID NOT RUN: the guest did not boot*", "Kernel panic"])
    assert result.ret == pytest.ExitCode.OK


def test_guest_that_does_not_boot_fails_the_run_in_ci(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = run(inner, NEVER, test_there=TESTS.format(pid=0), test_here=HERE)
    result.assert_outcomes(passed=1, errors=8)
    result.stdout.fnmatch_lines(["*Kernel panic*"])


def test_what_a_guest_lacks_is_named(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(inner.path))
    inner.makeconftest("from tests.guest import kernel\nkernel.is_fit = lambda: False\n"
                       'pytest_plugins = ["tests.guest.plugin"]')
    inner.makepyfile(TESTS.format(pid=0))
    result = inner.runpytest_subprocess("-rs")
    result.assert_outcomes(skipped=8)
    result.stdout.fnmatch_lines(["*not installed: qemu-system-x86 busybox-static*"])


def test_first_failure_ends_the_guest_when_that_is_asked_for(inner: pytest.Pytester) -> None:
    inner.makeconftest(CONFTEST.format(booting=PLAIN))
    inner.makepyfile(TESTS.format(pid=0))
    inner.runpytest_subprocess("-x").assert_outcomes(passed=1, failed=1)


def test_kernel_that_has_ipvs_runs_them_itself(inner: pytest.Pytester) -> None:
    inner.makeconftest("import os\nfrom tests.guest import kernel\nkernel.is_fit = lambda: True\n"
                       'pytest_plugins = ["tests.guest.plugin"]')
    inner.makepyfile("import os, sys, pytest\npytestmark = pytest.mark.kernel\n"
                     "def test_is_here(): assert 'LBPROXY_TEST_REPORTS' not in os.environ")
    inner.runpytest_subprocess().assert_outcomes(passed=1)
