"""What `make test` does to the machine: without root nothing, and as root it says first what it installs."""

import subprocess
from pathlib import Path

import pytest

from tests.support.rendering import REPOSITORY

BOTH_SAY = "    haproxy: comparisons in tests/bench and tests/lab\n"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A machine that has none of the packages, and an apt-get that writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("sh", "cat", "find"):
        (folder / program).symlink_to(f"/usr/bin/{program}")
    add(folder, "apt-get", f'echo "$@" >>{tmp_path}/installed; [ ! -e {tmp_path}/broken ]')
    return folder


def add(folder: Path, name: str, script: str) -> None:
    (folder / name).unlink(missing_ok=True)  # never write through a link: the program behind it is the machine's own
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def run(programs: Path, user: int, **environment: str) -> subprocess.CompletedProcess[str]:
    add(programs, "id", f"echo {user}")
    return subprocess.run([REPOSITORY / ".ci/packages"], env={"PATH": str(programs), **environment},
                          capture_output=True, text=True, check=True, timeout=60)


def test_other_users_are_told_what_is_skipped_and_nothing_is_installed(programs: Path, tmp_path: Path) -> None:
    done = run(programs, 1000)
    assert BOTH_SAY in done.stderr
    assert "To run them too: sudo apt install haproxy" in done.stderr
    assert not (tmp_path / "installed").exists()


def test_root_is_told_what_is_installed_before_it_is(programs: Path, tmp_path: Path) -> None:
    add(programs, "apt-get", f'echo "$@" >>{tmp_path}/installed; echo "apt-get runs" >&2')
    add(programs, "id", "echo 0")
    said = subprocess.run([REPOSITORY / ".ci/packages"], env={"PATH": str(programs)}, text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60).stdout
    before, _, _ = said.partition("apt-get runs")
    assert BOTH_SAY in before
    assert "installed now, with apt-get: haproxy" in before
    assert " install --yes --no-install-recommends haproxy" in (tmp_path / "installed").read_text()


def test_packages_that_cannot_be_installed_fail_no_run_that_may_not_need_them(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    done = run(programs, 0, CI="true")
    assert "apt-get could not install them" in done.stderr
    assert BOTH_SAY in done.stderr


def test_nothing_is_said_of_what_is_there(programs: Path) -> None:
    needed = [line.split()[1] for line in (REPOSITORY / ".ci/packages").read_text().splitlines()
              if line.startswith("need ")]
    for program in needed:
        if "/" not in program:
            add(programs, program, ":")
    add(programs, "find", "echo /lib/modules/6.1/ip_vs.ko")
    done = run(programs, 1000)
    assert "haproxy" not in done.stdout + done.stderr
