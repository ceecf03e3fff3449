"""Every link between pages leads somewhere, and every page is found from the README."""

from pathlib import Path

import pytest

from .pages import DOCS, PAGES, REPOSITORY, anchors, links, slug


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_relative_link_and_its_anchor_exist(page: Path) -> None:
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{path} does not exist"
        assert target.is_relative_to(REPOSITORY)
        if anchor:
            assert anchor in anchors(target), f"{path or page.name} has no {anchor}"


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(REPOSITORY / path).resolve() for path, _ in links(REPOSITORY / "README.md") if path}
    assert {page for page in PAGES if page.parent == DOCS} <= linked


def test_anchors_are_those_of_github() -> None:
    assert slug("`lbproxy doctor --json`") == "lbproxy-doctor---json"
    assert slug("HAProxy, `mode tcp`") == "haproxy-mode-tcp"
    assert slug("Watch it, ask why, steer it") == "watch-it-ask-why-steer-it"


def test_a_link_that_leads_nowhere_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n[there](there.md#anchor), [up](#here), [away](https://example.com/)\n```\n[code](no.md)\n```\n")
    assert list(links(page)) == [("there.md", "anchor"), ("", "here")]
    assert anchors(page) == {"here"}
