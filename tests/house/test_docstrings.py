"""What is public says what its caller needs."""

import ast
import re

import pytest

from .source import Definition, Module, modules

FEWEST_WORDS = 4
SEE = re.compile(r"(?:See|Implements) `([\w.]+)`\.?")
"""What keeps another's contract points there: the promise is written down once."""


def public() -> list[tuple[Module, Definition]]:
    return [(module, definition) for module in modules() for definition in module.public()]


def is_heading(definition: Definition) -> bool:
    """A group of options is documented by its fields; its own docstring is the heading of their section in --help."""
    return isinstance(definition, ast.ClassDef) and any(
        isinstance(base, ast.Name) and base.id == "Options" for base in definition.bases)


def known() -> set[str]:
    """Each class's and module's name, by which a docstring can point at it."""
    names = {module.name for module in modules()}
    functions = {f"{module.name}.{one.name}" for module, one in public()}
    return names | functions | {one.name for module in modules() for one in module.classes()}


def test_every_module_says_what_it_is() -> None:
    assert [module.name for module in modules() if len(module.docstring.split()) < FEWEST_WORDS] == []


def test_every_public_class_and_function_says_more_than_its_name_does() -> None:
    said = {f"{module.name}:{one.name}": ast.get_docstring(one) or "" for module, one in public()
            if not is_heading(one)}
    assert [f"{place}: {text}" for place, text in said.items()
            if len(text.split()) < FEWEST_WORDS and not SEE.fullmatch(text)] == []


def test_who_points_at_a_promise_points_at_one_that_is_there() -> None:
    targets = known()
    found = [(module.name, match[1]) for module, one in public()
             if (match := SEE.fullmatch(ast.get_docstring(one) or ""))]
    assert [pair for pair in found if pair[1] not in targets] == []


@pytest.mark.parametrize(("text", "points"), [
    ("See `Kernel`.", True), ("Implements `Kernel`.", True), ("For the wire.", False), ("See below.", False)])
def test_what_points_elsewhere(text: str, *, points: bool) -> None:
    assert bool(SEE.fullmatch(text)) == points
