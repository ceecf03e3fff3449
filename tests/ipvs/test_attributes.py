"""Netlink's attributes, without a kernel."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbproxy.netlink.attributes import attribute, be16, be32, fields, items, nest, number, string, text, u16, u32


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40))))
def test_what_was_written_is_read_again_and_aligned(written: list[tuple[int, bytes]]) -> None:
    data = b"".join(attribute(kind, value) for kind, value in written)
    assert len(data) % 4 == 0
    assert list(items(data)) == written


def test_nested_attributes_are_read_by_their_kind() -> None:
    inner = fields(fields(nest(5, u16(1, 7), u32(2, 70_000), text(3, "lc")))[5])
    assert (number(inner[1]), number(inner[2]), string(inner[3])) == (7, 70_000, "lc")


def test_big_endian_numbers_are_so() -> None:
    assert fields(be16(1, 80) + be32(2, 80)) == {1: b"\0\x50", 2: b"\0\0\0\x50"}


def test_string_ends_at_its_zero_or_where_it_ends() -> None:
    assert (string(b"lc\0\0rr"), string(b"lc"), string(b"\xff")) == ("lc", "lc", "�")


@given(st.binary(max_size=64))
def test_garbage_is_read_or_refused_but_never_loops(data: bytes) -> None:
    with suppress(ValueError):
        assert len(list(items(data))) <= len(data)


@pytest.mark.parametrize("size", [0, 3, 9])
def test_length_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="attribute 1 of"):
        list(items(struct.pack("=HH", size, 1)))


def test_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(struct.error):
        attribute(1, b"\0" * 65_532)
