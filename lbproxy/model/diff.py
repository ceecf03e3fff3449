"""What differs between two states of which most is the same: what did not change is the same object in both.

Pure. Whoever looks at each of ten thousand backends pays for it at every change; here it costs almost nothing.
"""

from collections.abc import Mapping
from typing import TypeVar

from lbproxy.model.snapshot import Backend, BackendKey, Service, Snapshot

T = TypeVar("T")
V = TypeVar("V")


def removed_and_added(before: tuple[T, ...], after: tuple[T, ...]) -> tuple[list[T], list[T]]:
    """Give the objects that only `before` has, and those that only `after` has, in their order.

    Of values that are equal but not the same it may give both, or none.
    """
    start = _common(before, after)
    before, after = before[start:][::-1], after[start:][::-1]
    end = _common(before, after)
    before, after = before[end:][::-1], after[end:][::-1]
    old, new = set(map(id, before)), set(map(id, after))
    return [one for one in before if id(one) not in new], [one for one in after if id(one) not in old]


def _common(before: tuple[T, ...], after: tuple[T, ...]) -> int:
    """How many they have in common from the start. Halving compares each part but once, at the speed of C."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def changed(before: Mapping[str, V], after: Mapping[str, V]) -> list[tuple[str, V | None, V | None]]:
    """Give the names of what is not the same object in both, how it was and how it is; None where it is not."""
    triples = [(name, before.get(name), after.get(name)) for name in {**before, **after}]
    return [(name, old, new) for name, old, new in triples if old is not new]


def backends(old: Service | None, new: Service | None) -> tuple[list[Backend], list[Backend]]:
    """Give the backends of a service that are gone or were different, and those that came or are different now."""
    return removed_and_added(old.backends if old else (), new.backends if new else ())


def keys(before: Snapshot, after: Snapshot) -> tuple[set[BackendKey], set[BackendKey]]:
    """Give the backends that are gone, and those that came."""
    gone: set[BackendKey] = set()
    come: set[BackendKey] = set()
    for name, old, new in changed(before.services, after.services):
        left, joined = backends(old, new)
        gone |= {BackendKey(name, one.address) for one in left}
        come |= {BackendKey(name, one.address) for one in joined}
    return gone - come, come - gone
