"""Every alert has its paragraph, which an operator can act on; every metric and option that pages name exists."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lbproxy.config.option_names import option
from lbproxy.config.options import OPTIONS

from .pages import DOCS, PAGES, REPOSITORY, anchors, sections

RULES = REPOSITORY / "deploy" / "monitoring" / "rules.yaml"
ALERTS = {rule["alert"]: rule for group in YAML(typ="safe").load(RULES)["groups"] for rule in group["rules"]
          if "alert" in rule}
RUNBOOK = DOCS / "runbook.md"
OTHERS = {"--config", "--listen", "--backend", "--service", "--deadline", "--for", "--json", "--ulimit", "--disable"}
"""Options of a single service, and those of other commands."""


BRIEF = {"LbproxyRejecting", "LbproxyWatchStale", "LbproxyChecksStretched"}
"""They lead to another's paragraph, or are nobody's fault."""


@pytest.mark.parametrize("name", ALERTS)
def test_alert_leads_to_its_paragraph(name: str) -> None:
    path, _, anchor = ALERTS[name]["annotations"]["runbook_url"].partition("#")
    assert (REPOSITORY / path) == RUNBOOK
    assert anchor == name.lower()
    assert anchor in anchors(RUNBOOK)


@pytest.mark.parametrize("name", ALERTS)
def test_paragraph_says_how_bad_it_is_whose_fault_and_what_to_do(name: str) -> None:
    text = sections(RUNBOOK, 3)[name]
    assert text.strip().startswith(f"*{ALERTS[name]['labels']['severity']}.*")
    assert "**look**" in text.lower() or "**type**" in text.lower()
    if name not in BRIEF:
        assert "**the balancer?**" in " ".join(text.lower().split())


def test_runbook_has_no_paragraph_for_an_alert_that_is_gone() -> None:
    assert {heading for heading in sections(RUNBOOK, 3) if heading.startswith("Lbproxy")} == ALERTS.keys()


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == DOCS], ids=lambda page: page.name)
def test_every_metric_that_a_page_names_exists(page: Path) -> None:
    known = set(re.findall(r"^\| `(lbproxy_\w+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE))
    known |= set(re.findall(r"record: (\S+)", RULES.read_text()))
    named = set(re.findall(r"(?<!:)\b(?:\w+:)?lbproxy_\w+(?::\w+)?", page.read_text())) - {"lbproxy_backend_"}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in named} <= known


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == DOCS], ids=lambda page: page.name)
def test_every_option_in_backquotes_exists(page: Path) -> None:
    named = set(re.findall(r"`(--[a-z][a-z-]+)[`= ]", page.read_text()))
    assert named - {option(name) for name in OPTIONS} <= OTHERS
