"""The command itself, from its options to its files."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.lab.record import records
from bench.paper.command import paper
from bench.paper.results import load
from bench.waiting import wait_until
from tests.support.patience import PATIENCE
from tests.support.signals import DEFAULT_SIGNALS

from .conftest import check_able
from .trace import Trace


@pytest.fixture
def before() -> Trace:
    check_able()
    return Trace.of_this_machine()


def command(*options: str) -> list[str]:
    return [*DEFAULT_SIGNALS, sys.executable, "-m", "bench", "paper", "--quick", *options]


def test_a_run_writes_samples_and_a_report_and_leaves_nothing_else(before: Trace, tmp_path: Path) -> None:
    words = command("--only", "table1", "--folder", str(tmp_path))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "Table 1: viable overlays: The claim held here" in done.stdout
    results = load(tmp_path / "samples.json")
    assert [point.values("reached") for point in results.of("table1")] == [[1.0], [0.0], [1.0], [1.0], [1.0], [1.0]]
    assert "The claim held here" in (tmp_path / "RESULTS.md").read_text()
    assert Trace.of_this_machine() == before


def test_an_interrupted_run_removes_its_lab(before: Trace, tmp_path: Path) -> None:
    words = command("--only", "fig13", "--folder", str(tmp_path))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert wait_until(lambda: any(True for _ in records()), 40), "it never made a lab"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Aborted!" in said) == (1, True)
    assert Trace.of_this_machine() == before


def test_samples_can_be_reported_again_without_measuring(before: Trace, tmp_path: Path) -> None:
    words = command("--only", "table1", "--folder", str(tmp_path))
    subprocess.run(words, capture_output=True, check=True, timeout=PATIENCE)
    (tmp_path / "RESULTS.md").unlink()
    said = CliRunner().invoke(paper, ["--again", str(tmp_path / "samples.json")])
    assert said.exit_code == 0, said.output
    assert (tmp_path / "RESULTS.md").exists()
    assert Trace.of_this_machine() == before


def test_an_unknown_figure_is_refused_with_the_known_ones(before: Trace) -> None:
    said = CliRunner().invoke(paper, ["--only", "fig99"])
    assert said.exit_code == 2
    assert "'fig99' is none of table1, fig14" in said.output
    assert Trace.of_this_machine() == before


def test_without_matplotlib_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.paper.command.find_spec", lambda _: None)
    said = CliRunner().invoke(paper, ["--quick"])
    assert "pip install -e '.[bench]'" in str(said.exception)
