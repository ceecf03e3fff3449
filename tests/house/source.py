"""lbproxy's own source, as the rules look at it: modules, and what they define for others."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "lbproxy"

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file."""

    path: Path

    @property
    def name(self) -> str:
        """Its dotted name; a package's is that of its folder."""
        parts = self.path.relative_to(REPOSITORY).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text())

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    def classes(self) -> Iterator[ast.ClassDef]:
        """All of them, private and nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def public(self) -> Iterator[Definition]:
        """Classes, functions and methods that others may use; what stands inside a function is nobody's business."""
        yield from _public(self.tree)


@cache
def modules() -> list[Module]:
    return [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]


def folders() -> set[str]:
    """Every folder of lbproxy/ that holds something, seen from the repository."""
    held = (path.parent for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(folder.relative_to(REPOSITORY)) for folder in held}


def _public(node: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    for child in node.body:
        if isinstance(child, Definition) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from _public(child)
