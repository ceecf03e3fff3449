"""The command line as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import lbproxy
from tests.support.patience import PATIENCE

SCRIPT = [str(Path(sys.executable).with_name("lbproxy"))]
MODULE = [sys.executable, "-m", "lbproxy"]
ONE = ["--listen", "127.0.0.1:80", "--backend", "127.0.0.1:9001"]


def run(command: Sequence[str | bytes], environment: Mapping[str, str] | None = None,
        ) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE,
                          env={**os.environ, **(environment or {})})


@pytest.mark.parametrize("command", [SCRIPT, MODULE], ids=["script", "module"])
def test_version(command: list[str]) -> None:
    done = run([*command, "--version"])
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"lbproxy {lbproxy.__version__}\n", b"")


@pytest.mark.parametrize("command", [SCRIPT, MODULE], ids=["script", "module"])
def test_mistake(command: list[str]) -> None:
    done = run([*command, "run", *ONE, "--workers", "no"])
    assert (done.returncode, done.stdout, done.stderr) == (
        2, b"", b"lbproxy: --workers: 'no' is not a number; write a number from 1 to 256, or auto\n")


def test_check_takes_its_own_output() -> None:
    first = run([*SCRIPT, "check", *ONE], {"LBPROXY_QUEUE": "7"})
    again = subprocess.run([*SCRIPT, "check", "--config", "/dev/stdin"], input=first.stdout,
                           capture_output=True, check=True, timeout=PATIENCE)
    assert first.stdout == again.stdout
    assert b"\nqueue: 7\n" in first.stdout


def test_bytes_that_are_no_text_are_escaped_even_in_a_plain_locale() -> None:
    done = run([*MODULE, "run", *ONE, "--admin", b"\xff\x1b[31m\xe2\x80\xae"], {"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert done.returncode == 2
    assert done.stderr.startswith(b"lbproxy: --admin: '\\udcff\\x1b[31m")
    assert (done.stderr.count(b"\n"), b"\x1b" in done.stderr, done.stderr.isascii()) == (1, False, True)


def test_version_does_not_wait_for_what_it_does_not_need() -> None:
    code = ("import sys; from lbproxy.cli import main; main(['--version']); "
            "print({'pydantic', 'ruamel.yaml', 'asyncio', 'aiohttp'} & sys.modules.keys())")
    assert run([sys.executable, "-c", code]).stdout.decode().splitlines()[1] == "set()"


def test_reader_that_goes_away_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        done = subprocess.run([*MODULE, "check", *ONE], stdout=stdout, stderr=subprocess.PIPE, check=False,
                              timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (1, b"")
