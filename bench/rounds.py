"""The order of a round."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def rotated(items: Sequence[Item], by: int) -> list[Item]:
    """Return `items` in order, starting with another one each time `by` grows by one."""
    start = by % max(len(items), 1)
    return [*items[start:], *items[:start]]
