"""The pages for people, and what leads from one to another."""

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *REPOSITORY.glob("*.md"), *(REPOSITORY / "bench").glob("*.md")])
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[tuple[str, str]]:
    """The path and the anchor of each link that leads to no other site; either may be empty."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page, made from its headings as GitHub does."""
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


def slug(heading: str) -> str:
    """Lower case, without punctuation, blanks as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(page: Path, level: int) -> dict[str, str]:
    """The text below each heading of a level, by heading."""
    parts = re.split(rf"^{'#' * level} (.+)$", page.read_text(), flags=re.MULTILINE)
    return {heading: re.split(r"^#", text, flags=re.MULTILINE)[0] for heading, text in zip(parts[1::2], parts[2::2],
                                                                                       strict=True)}


def prose(page: Path) -> str:
    """A page without its code."""
    return FENCE.sub("", page.read_text())
