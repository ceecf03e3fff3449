"""`python -m docs.generate` brings the pages up to date; with `--check` it only says which are not, and exits 1."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from .blocks import refreshed
from .metrics import metrics
from .options import options
from .services import services

FOLDER = Path(__file__).parents[1]
PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "configuration.md": {"options": options, "services": services},
    "metrics.md": {"metrics": metrics},
}


def main(arguments: list[str]) -> int:
    """Write or check all pages."""
    stale = []
    for name, blocks in PAGES.items():
        page = FOLDER / name
        before = page.read_text(encoding="utf-8")
        after = refreshed(before, {block: write() for block, write in blocks.items()})
        if after != before:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(after, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.stderr.writelines(f"docs/{name} is not what the code says; run: make docs\n" for name in stale)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
