"""Numbers are held by one key at a time, are used again, and run out with an error that changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbproxy.dataplanes.userspace.main.counter_view import Slots
from lbproxy.model.errors import DataplaneError

LIMIT = 6
KEYS = st.sets(st.integers(0, 9))


@given(st.lists(KEYS, max_size=12))
def test_each_key_keeps_a_number_of_its_own_for_as_long_as_it_is_held(wanted: list[set[int]]) -> None:
    slots = Slots[int](LIMIT, "things")
    for keys in wanted:
        before = dict(slots.held)
        try:
            slots.assign(keys)
        except DataplaneError:
            assert len(keys | before.keys()) > LIMIT
            assert slots.held == before
            continue
        assert slots.held.keys() == keys | before.keys()
        assert sorted({**slots.held, **before}.items()) == sorted(slots.held.items())
        assert len(set(slots.held.values())) == len(slots.held)
        assert all(0 <= number < LIMIT for number in slots.held.values())
        returned = slots.free(before.keys() - keys)
        assert sorted(returned) == sorted(before[key] for key in before.keys() - keys)
        assert slots.held.keys() == keys


def test_returned_number_is_given_to_the_next() -> None:
    slots = Slots[str](2, "things")
    slots.assign(["a", "b"])
    number = slots.held["a"]
    assert slots.free(["a"]) == [number]
    slots.assign(["c"])
    assert slots.held["c"] == number


def test_error_says_what_there_is_too_much_of() -> None:
    with pytest.raises(DataplaneError, match="more than 1 backends: split them"):
        Slots[str](1, "backends").assign(["a", "b"])


def test_key_that_is_named_twice_holds_one_number() -> None:
    slots = Slots[str](2, "things")
    slots.assign(["a", "a"])
    slots.assign(["b"])
    assert sorted(slots.held.values()) == [0, 1]
