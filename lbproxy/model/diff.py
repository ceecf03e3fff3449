"""What differs between two states that are mostly equal, where what did not change is the same object in both. Pure.

To look at each of 10,000 backends cost 45 ms of CPU for one changed endpoint, in table, dataplane, log and metrics.
Comparing slices of the same objects runs at the speed of C and costs almost nothing.
"""

from collections.abc import Mapping
from typing import TypeVar

from lbproxy.model.snapshot import Backend, BackendKey, Service, Snapshot

T = TypeVar("T")
V = TypeVar("V")


def removed_and_added(before: tuple[T, ...], after: tuple[T, ...]) -> tuple[list[T], list[T]]:
    """Return the objects that only `before` has, and those that only `after` has, in their order.

    Two objects that are equal but not identical may appear in both lists, or in none.
    """
    start = _common(before, after)
    before, after = before[start:][::-1], after[start:][::-1]
    end = _common(before, after)
    before, after = before[end:][::-1], after[end:][::-1]
    # By identity: hashing a value would look at each of its fields, and most of them are the same objects anyway.
    old, new = set(map(id, before)), set(map(id, after))
    return [one for one in before if id(one) not in new], [one for one in after if id(one) not in old]


def _common(before: tuple[T, ...], after: tuple[T, ...]) -> int:
    """How many items they have in common at the start. Halving compares each part only once, as slices."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def changed(before: Mapping[str, V], after: Mapping[str, V]) -> list[tuple[str, V | None, V | None]]:
    """Return name, old and new object of whatever is not the same object in both; None where it is absent."""
    triples = [(name, before.get(name), after.get(name)) for name in {**before, **after}]
    return [(name, old, new) for name, old, new in triples if old is not new]


def backends(old: Service | None, new: Service | None) -> tuple[list[Backend], list[Backend]]:
    """Return the backends that are gone or were different, and those that are new or are different now."""
    return removed_and_added(old.backends if old else (), new.backends if new else ())


def keys(before: Snapshot, after: Snapshot) -> tuple[set[BackendKey], set[BackendKey]]:
    """Return the backends that are gone, and those that are new."""
    gone: set[BackendKey] = set()
    come: set[BackendKey] = set()
    for name, old, new in changed(before.services, after.services):
        left, joined = backends(old, new)
        gone |= {BackendKey(name, one.address) for one in left}
        come |= {BackendKey(name, one.address) for one in joined}
    return gone - come, come - gone
