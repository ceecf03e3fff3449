"""CONTRIBUTING's map of the folders is the tree's."""

import re
from collections.abc import Iterator

from .source import REPOSITORY, folders

ROW = re.compile(r"^\| (?P<folders>`[^|]*`) \| (?P<content>.*) \|$", re.MULTILINE)
TOKEN = re.compile(r"`([^`]*)`")


def rows() -> Iterator[tuple[list[str], list[str]]]:
    """Each row's folders, and what its text names of them in `code`."""
    for row in ROW.finditer((REPOSITORY / "CONTRIBUTING.md").read_text()):
        yield TOKEN.findall(row["folders"]), TOKEN.findall(row["content"])


def mapped() -> set[str]:
    """Every folder that is named: by its path, or beside its row's."""
    return {path for named, content in rows()
            for path in (*named, *(f"{folder}/{name}" for folder in named for name in content))
            if (REPOSITORY / path).is_dir()}


def test_map_names_every_folder() -> None:
    assert folders() - mapped() - {"lbproxy", "lbproxy/dataplanes"} == set()


def test_map_names_nothing_that_is_not_there() -> None:
    assert [path for named, _ in rows() for path in named if not (REPOSITORY / path).exists()] == []


def test_map_names_nothing_in_a_folder_that_is_not_there() -> None:
    """What ends in .py or .md is a file, and what has a slash a folder: beside the row's, or from the top."""
    missing = [(named, name) for named, content in rows() for name in content
               if re.fullmatch(r"[a-z_/]+(\.py|\.md)|[a-z]+(/[a-z]+)+", name)
               and not any((REPOSITORY / folder / name).exists() for folder in ("", *named))]
    assert missing == []
