"""import-linter is told the truth: every module stands in a layer, and what calls itself pure is held to it."""

import re
from configparser import ConfigParser

import pytest

from .source import REPOSITORY, modules


@pytest.fixture(scope="module")
def contracts() -> ConfigParser:
    parser = ConfigParser()
    parser.read(REPOSITORY / ".importlinter")
    return parser


def covers(pattern: str, module: str) -> bool:
    """As import-linter reads wildcards: `*` stands for one name, `**` for one or more; a package is held as a whole."""
    expression = re.escape(pattern).replace(r"\*\*", r".+").replace(r"\*", r"[^.]+")
    return re.fullmatch(rf"{expression}(\..+)?", module) is not None


def test_every_module_stands_in_a_layer(contracts: ConfigParser) -> None:
    """A new folder is named there, or import-linter complains."""
    layers = contracts["importlinter:contract:layers"]
    assert layers.getboolean("exhaustive")
    assert layers["containers"].split() == ["lbproxy"]
    assert layers["exhaustive_ignores"].split() == ["__main__"]


def test_layers_inside_of_rooms_name_every_module_too(contracts: ConfigParser) -> None:
    layers = {name: section for name, section in contracts.items() if section.get("type") == "layers"}
    assert [name for name, section in layers.items() if not section.getboolean("exhaustive", fallback=False)] == []


def test_what_calls_itself_pure_is_held_to_it(contracts: ConfigParser) -> None:
    patterns = contracts["importlinter:contract:pure"]["source_modules"].split()
    pure = [module.name for module in modules() if re.search(r"\bPure[.:]", module.docstring)]
    assert pure
    assert [name for name in pure if not any(covers(pattern, name) for pattern in patterns)] == []


@pytest.mark.parametrize(("pattern", "module", "is_covered"), [
    ("lbproxy.model.**", "lbproxy.model.snapshot", True), ("lbproxy.model.**", "lbproxy.model", False),
    ("lbproxy.*.metrics", "lbproxy.control.metrics", True), ("lbproxy.model", "lbproxy.model.snapshot", True),
    ("lbproxy.model", "lbproxyXmodel", False)])
def test_wildcards(pattern: str, module: str, *, is_covered: bool) -> None:
    assert covers(pattern, module) == is_covered
