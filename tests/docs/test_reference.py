"""The references are what the code says now, and reasons are explained completely."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from lbproxy.config.option_names import option
from lbproxy.config.options import OPTIONS
from lbproxy.dataplanes.userspace.shared.reasons import Closed, Failed, Reason, Rejected

from .pages import DOCS, REPOSITORY

GENERATE = [sys.executable, "-m", "docs.generate"]


def test_generated_parts_are_current() -> None:
    done = subprocess.run([*GENERATE, "--check"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_part_that_is_not_current_is_named_and_then_made_so(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    page = tmp_path / "docs" / "configuration.md"
    current = page.read_text()
    page.write_text(current.replace("`--drain-timeout`", "`--brain-timeout`"))
    done = subprocess.run([*GENERATE, "--check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "docs/configuration.md is not what the code says; run: make docs\n")
    subprocess.run(GENERATE, cwd=tmp_path, check=True)
    assert page.read_text() == current


def test_every_option_is_in_the_reference() -> None:
    named = set(re.findall(r"^\| `(--[a-z-]+)` \|", (DOCS / "configuration.md").read_text(), re.MULTILINE))
    assert named == {option(name) for name in OPTIONS}


def test_every_reason_is_explained() -> None:
    text = (DOCS / "metrics.md").read_text()
    kinds: tuple[type[Reason], ...] = (Rejected, Failed, Closed)
    missing = [reason.label for kind in kinds for reason in kind if f"`{reason.label}`" not in text]
    assert not missing
