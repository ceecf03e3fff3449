"""What differs between the Pythons that lbproxy runs on, and so must not be used."""

import ast

from .source import modules


def test_nothing_is_raised_within_except_star() -> None:
    """Before 3.11.4 it comes out wrapped in a group (cpython#103590), which no `except` for it catches."""
    clauses = ((module.name, handler) for module in modules() for node in ast.walk(module.tree)
               if isinstance(node, ast.TryStar) for handler in node.handlers)
    assert not [f"{name}:{inner.lineno}" for name, handler in clauses for inner in ast.walk(handler)
                if isinstance(inner, ast.Raise)]
