"""What commands do where standard output can't take what they write."""

import subprocess
from pathlib import Path

import pytest

from .test_process import MODULE, ONE, run

CHECK = [*MODULE, "check", *ONE]
FULL = Path("/dev/full")
COMMANDS = [["check", *ONE], ["--help"], ["run", "--help"], ["--version"], ["doctor", *ONE], ["doctor", *ONE, "--json"]]


def shell(redirections: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return run(["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *MODULE, *arguments], environment)


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_full_disk_is_one_line(arguments: list[str]) -> None:
    done = shell("> /dev/full", *arguments)
    assert (done.returncode, done.stderr) == (1, b"lbproxy: can't write the output: No space left on device\n")


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_closed_output_is_no_traceback(arguments: list[str]) -> None:
    assert shell(">&-", *arguments).stderr == b""


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&- <&-"])
def test_mistake_keeps_its_exit_code_where_it_can_not_be_said(redirection: str) -> None:
    assert shell(redirection, "check", *ONE, "--workers", "no").returncode == 2


def test_output_that_is_open_for_reading_only_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = shell(f"1< {file}", "check", *ONE)
    assert (done.returncode, done.stderr) == (1, b"lbproxy: can't write the output: Bad file descriptor\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
@pytest.mark.parametrize("arguments", [*COMMANDS, ["demo", "--seconds", "0.2"]], ids=" ".join)
def test_terminal_of_any_encoding_gets_the_text(arguments: list[str], encoding: str) -> None:
    done = run([*MODULE, *arguments], {"PYTHONIOENCODING": encoding, "LC_ALL": "C"})
    assert b"Traceback" not in done.stderr
    assert done.stdout.decode(encoding)


@pytest.mark.parametrize("level", ["1", "2"])
def test_optimised_python_loses_no_option(level: str) -> None:
    assert run([*MODULE, "run", "--help"], {"PYTHONOPTIMIZE": level}).stdout == run([*MODULE, "run", "--help"]).stdout
