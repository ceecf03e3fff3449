"""How the files of the repository lie."""

import subprocess

import pytest

from .source import REPOSITORY

SYMBOLIC_LINK = "120000"


def test_there_are_no_symbolic_links() -> None:
    """An import by name says where a thing comes from; a link makes two modules of one file."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs the files of a clone, not of a copy")
    listed = subprocess.run(["git", "ls-files", "--stage"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert [line for line in listed.stdout.splitlines() if line.startswith(SYMBOLIC_LINK)] == []
    assert [path for path in (REPOSITORY / "tests").rglob("*") if path.is_symlink()] == []
