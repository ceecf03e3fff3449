"""Systems that are rules of the kernel: whatever happens to the process that stands for them, it takes them away."""

import signal
import subprocess
from pathlib import Path

import pytest

from bench.systems.rules import held
from bench.waiting import wait_until
from tests.support.patience import PATIENCE


def up(folder: Path, *more: list[str]) -> list[str]:
    """What holds a file, and does more."""
    return held(folder, [["touch", str(folder / "rule")], *more], [["rm", str(folder / "rule")]])


def test_what_ends_takes_its_rules_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.systems.rules.FORGET_SOON", f"touch {tmp_path / 'ready'}")
    with subprocess.Popen(up(tmp_path)) as process:
        wait_until((tmp_path / "ready").exists, PATIENCE)
        assert (tmp_path / "rule").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert not (tmp_path / "rule").exists()


def test_what_fails_to_start_takes_its_rules_away_too(tmp_path: Path) -> None:
    assert subprocess.run(up(tmp_path, ["false"]), check=False, timeout=PATIENCE).returncode == 1
    assert not (tmp_path / "rule").exists()
