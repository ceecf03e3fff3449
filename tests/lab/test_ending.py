import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from bench.lab.command import lab as commands
from bench.lab.record import records, standing, sweep
from tests.support.patience import PATIENCE
from tests.support.signals import DEFAULT_SIGNALS

from .conftest import check_able
from .trace import Trace

PROGRAM = """
import time
from bench.choosing import prepare
from bench.lab.lab import standing
from bench.lab.shape import Overlay, Shape
prepare()
with standing(Shape(Overlay.UDP, pods=2)) as lab:
    print(lab.key, flush=True)
    time.sleep(600)
"""


@contextmanager
def stranger() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process with a lab that stands; and its key."""
    command = [*DEFAULT_SIGNALS, sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stderr
            key = process.stdout.readline().strip()
            assert key, process.stderr.read()
            yield process, key
        finally:
            process.kill()


@pytest.fixture
def before() -> Trace:
    check_able()
    sweep()
    return Trace.of_this_machine()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_removes_its_lab(before: Trace, number: signal.Signals) -> None:
    with stranger() as (process, key):
        assert any(key in name for name in standing())
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
    assert Trace.of_this_machine() == before


def test_what_a_killed_run_left_is_found_and_removed_by_a_later_one(before: Trace) -> None:
    with stranger() as (process, key):
        process.kill()
        process.wait(timeout=PATIENCE)
        assert any(key in name for name in standing()), "nobody was left to remove it"
        assert key in sweep()
    assert Trace.of_this_machine() == before


def test_down_leaves_a_running_benchmark_its_lab(before: Trace) -> None:
    with stranger() as (process, key):
        said = CliRunner().invoke(commands, ["down"])
        assert (said.exit_code, said.output) == (0, "removed: nothing\n")
        assert key in {record.key for record in records()}
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert Trace.of_this_machine() == before


def test_up_stands_until_down(before: Trace) -> None:
    command = [sys.executable, "-m", "bench", "lab", "up", "--overlay", "udp", "--pods", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert "pod0 on worker1: http://10.97.1.10:80/" in done.stdout
    assert len(Trace.of_this_machine().processes) > len(before.processes)
    (key,) = {record.key for record in records()}
    refused = CliRunner().invoke(commands, ["shell", "kitchen"])
    assert (refused.exit_code, "client node worker1 worker2 pod0" in refused.output) == (2, True)
    assert CliRunner().invoke(commands, ["down"]).output == f"removed: {key}\n"
    assert Trace.of_this_machine() == before


def test_a_lab_without_root_is_refused_in_one_line(before: Trace) -> None:
    if os.geteuid():
        pytest.skip("is root's test")
    command = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-m", "bench", "lab", "up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (1, "bench: a lab needs root: it makes network namespaces\n")
    assert Trace.of_this_machine() == before
