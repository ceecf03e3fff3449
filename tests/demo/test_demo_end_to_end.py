"""The whole demo as a user runs it. Needs `lbproxy run` and takes seconds: there is no faster way to see it."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.support.patience import PATIENCE
from tests.support.signals import DEFAULT_SIGNALS

from .ends import all_end, handles

TOKEN = "DEMO_UNDER_TEST"


@contextmanager
def demo(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start it, and give it with the token that all of its processes have in their environment."""
    token = uuid.uuid4().hex
    command = [*DEFAULT_SIGNALS, sys.executable, "-m", "lbproxy", "demo", *arguments]
    environment = os.environ | {TOKEN: token, "LBPROXY_WORKERS": "not a number"}
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            yield process, token
        finally:
            process.kill()


def marked(token: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _environment(process).get(TOKEN) == token]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


def until_answered(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    for line in process.stdout:
        if " answered" in line and " 0 answered" not in line:
            return
    raise AssertionError("the demo ended before a request was answered")


def test_demo_stops_and_restarts_a_backend_without_losing_a_request() -> None:
    with demo("--seconds", "3") as (process, token):
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
        assert marked(token) == []
    assert "answered, 0 failed" in output
    assert "bravo was told to stop at 1." in output
    assert "used it again" in output


def test_ctrl_c_ends_the_demo_in_order_and_leaves_nothing() -> None:
    with demo() as (process, token):
        until_answered(process)
        assert len(marked(token)) >= 5
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
        assert marked(token) == []
    assert "answered, 0 failed" in output


def test_killed_demo_leaves_nothing() -> None:
    with demo() as (process, token):
        until_answered(process)
        with handles(each.pid for each in marked(token)) as processes:
            assert len(processes) >= 5
            process.kill()
            assert all_end(processes)
