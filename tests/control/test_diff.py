"""What differs between two states, against looking at everything."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from lbproxy.model.diff import changed, keys, removed_and_added
from lbproxy.model.snapshot import Backend, BackendKey, Policy, Service, Snapshot, State

from .values import at


@dataclass(frozen=True)
class Thing:
    """Equal to others of its kind."""

    kind: int


def things(*kinds: int) -> tuple[Thing, ...]:
    return tuple(map(Thing, kinds))


POOL = things(*range(12))
OBJECTS = st.lists(st.sampled_from(POOL), unique=True).map(tuple)


@given(OBJECTS, OBJECTS)
def test_what_only_one_side_has_is_found_at_any_position(
        before: tuple[Thing, ...], after: tuple[Thing, ...]) -> None:
    left, joined = removed_and_added(before, after)
    assert left == [one for one in before if one not in after]
    assert joined == [one for one in after if one not in before]


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_equal_values_that_are_not_identical_are_in_both_lists_or_in_none(
        before: list[int], after: list[int]) -> None:
    old, new = things(*before), things(*after)
    left, joined = removed_and_added(old, new)
    assert sorted([*after, *(one.kind for one in left)]) == sorted([*before, *(one.kind for one in joined)])


def test_one_change_among_ten_thousand_is_found_without_looking_at_each() -> None:
    class Counting:
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counting.compared += 1
            return self is other

        __hash__ = object.__hash__

    before = tuple(Counting() for _ in range(10_000))
    changed = Counting()
    assert removed_and_added(before, (*before[:5_000], changed, *before[5_001:])) == ([before[5_000]], [changed])
    assert Counting.compared < 100


def test_changed_names_what_is_new_gone_or_another_object() -> None:
    kept, old, new = things(0, 1, 1)
    assert changed({"a": kept, "b": old, "c": kept}, {"a": kept, "b": new, "d": kept}) == [
        ("b", old, new), ("c", kept, None), ("d", None, kept)]


BACKENDS = st.lists(st.builds(
    Backend, st.integers(1, 5).map(at), st.sampled_from((1, 2)), st.just(State.ACTIVE), st.just("ready"), st.just(0.0)),
    unique_by=lambda one: one.address).map(tuple)
SNAPSHOTS = st.dictionaries(st.sampled_from(("api", "web")), BACKENDS).map(lambda found: Snapshot(
    1, {name: Service(name, (), Policy(), backends) for name, backends in found.items()}))


def all_keys(snapshot: Snapshot) -> set[BackendKey]:
    return {BackendKey(name, one.address) for name, service in snapshot.services.items() for one in service.backends}


@given(SNAPSHOTS, SNAPSHOTS)
@settings(deadline=None)
def test_keys_are_those_that_one_snapshot_has_and_the_other_has_not(before: Snapshot, after: Snapshot) -> None:
    assert keys(before, after) == (all_keys(before) - all_keys(after), all_keys(after) - all_keys(before))
