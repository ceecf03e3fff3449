"""Which mark each service gets: stable, its own, and within what was allowed."""

import socket

import pytest

from lbproxy.dataplanes.ipvs.planning.desired import virtual_addresses
from lbproxy.dataplanes.ipvs.planning.marks import MarkRange, assign_marks
from lbproxy.model.address import Address
from lbproxy.model.errors import DataplaneError

from .scene import FAR, snapshot, web

ONE, TWO, SIX = Address("192.0.2.1", 80), Address("192.0.2.1", 81), Address("2001:db8::1", 80)
BOTH = [*virtual_addresses(snapshot(web(ONE, FAR), web(TWO, FAR, name="other")), frozenset())]


@pytest.mark.parametrize(("own", "first"), [
    (MarkRange(5), [5, 6, 7, 8]), (MarkRange(0x10000, 0xFF0000), [0x10000, 0x20000, 0x30000, 0x40000]),
    (MarkRange(4, 0b10110), [0b100, 0b110, 0b10000, 0b10010]), (MarkRange(2, 2), [2])])
def test_marks_of_a_range_have_no_bit_outside_of_it(own: MarkRange, first: list[int]) -> None:
    numbers = own.numbers()
    assert [next(numbers, None) for _ in range(4)] == [*first, *[None] * (4 - len(first))]
    assert all(number in own for number in first)


def test_each_service_and_family_has_a_mark_of_its_own() -> None:
    state = snapshot(web(ONE, FAR), web(SIX, FAR, name="other"))
    assigned = assign_marks(virtual_addresses(state, frozenset()), MarkRange(1), {}, ())
    assert assigned.keys() == {("web", socket.AF_INET), ("other", socket.AF_INET6)}
    assert len(set(assigned.values())) == 2


def test_service_keeps_the_mark_that_its_addresses_have() -> None:
    assigned = assign_marks(BOTH, MarkRange(1), {ONE: 9, TWO: 1}, (9, 1))
    assert assigned == {("web", socket.AF_INET): 9, ("other", socket.AF_INET): 1}


def test_mark_of_another_range_or_of_another_service_is_not_kept() -> None:
    assigned = assign_marks(BOTH, MarkRange(16), {ONE: 16, TWO: 16}, (16,))
    assert assigned == {("web", socket.AF_INET): 16, ("other", socket.AF_INET): 17}
    assert set(assign_marks(BOTH, MarkRange(16), {ONE: 3, TWO: 3}, ()).values()) == {16, 17}


def test_marks_that_are_taken_are_not_given_to_newcomers() -> None:
    assert set(assign_marks(BOTH, MarkRange(1), {}, (1, 3)).values()) == {2, 4}


def test_want_of_marks_is_an_error_that_says_what_to_write() -> None:
    with pytest.raises(DataplaneError, match="wider mask"):
        assign_marks(BOTH, MarkRange(2, 2), {}, ())
