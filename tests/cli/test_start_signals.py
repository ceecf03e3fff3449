"""Signals that come before the program serves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.peers import free_address

SITE = """
import sys, signal, os
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Finder())
from lbproxy.cli import main
sys.exit(main())
"""
MODULES = ["lbproxy.cli.run", "pydantic", "lbproxy.runtime.app", "uvloop",
           "lbproxy.dataplanes.userspace.main.dataplane"]
"""Imported one after the other while it starts."""


def started(tmp_path: Path, code: str, *options: str) -> subprocess.Popen[bytes]:
    file = tmp_path / "started.py"
    file.write_text(code)
    return subprocess.Popen([sys.executable, str(file), "run", "--admin", str(free_address()), *options],
                            stderr=subprocess.PIPE, start_new_session=True)


@pytest.fixture
def service() -> list[str]:
    return ["--listen", str(free_address()), "--backend", "127.0.0.1:9", "--workers", "1", "--shutdown-delay", "0s"]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_ends_it_at_any_moment_of_the_start(
        tmp_path: Path, service: list[str], module: str, number: signal.Signals) -> None:
    process = started(tmp_path, SITE.format(module=module, number=int(number)), *service)
    _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode in {0, 130}
    assert b"Traceback" not in stderr


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_other_signals_end_nothing_while_it_starts(
        tmp_path: Path, service: list[str], module: str, number: signal.Signals) -> None:
    process = started(tmp_path, SITE.format(module=module, number=int(number)), *service)
    lines = serving(process)
    assert any(b'"serving"' in line for line in lines)
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def serving(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert process.stderr
    for line in process.stderr:
        yield line
        if b'"serving"' in line:
            return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_configuration_that_nobody_writes_does_not_hold_up_the_end(tmp_path: Path, number: signal.Signals) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = SITE.format(module="lbproxy.config.yaml_tree", number=0)  # 0 is no signal
    code = code.replace("os.kill(os.getpid(), 0)", "print('reading soon', file=sys.stderr, flush=True)")
    process = started(tmp_path, code, "--config", str(fifo))
    assert process.stderr
    process.stderr.readline()
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    assert process.returncode in {0, 130}
