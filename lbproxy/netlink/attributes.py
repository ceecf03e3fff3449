"""Netlink's attributes (netlink(7), `struct nlattr` in linux/netlink.h): length, kind and value, maybe nested. Pure.

Each is aligned to 4 bytes. Numbers are in the machine's byte order, except where the receiver wants them big-endian.
"""

import struct
import sys
from collections.abc import Iterator

HEADER = struct.Struct("=HH")
"""`struct nlattr`: length with this header and without padding, and kind."""
ALIGNMENT = 4
"""NLA_ALIGNTO, and NLMSG_ALIGNTO for whole messages."""
NESTED = 0x8000
"""NLA_F_NESTED, a flag of the kind."""
KIND_MASK = 0x3FFF
"""NLA_TYPE_MASK: the kind without the flags for nested and for big-endian."""


def aligned(size: int) -> int:
    """Round up to the next multiple of `ALIGNMENT`."""
    # For a power of two, -ALIGNMENT is the mask that clears the lower bits.
    return (size + ALIGNMENT - 1) & -ALIGNMENT


def attribute(kind: int, value: bytes) -> bytes:
    """Write one attribute. Raises `struct.error` for a value above 65,531 bytes, as its length has 16 bits."""
    return HEADER.pack(HEADER.size + len(value), kind) + value.ljust(aligned(len(value)), b"\0")


def nest(kind: int, *attributes: bytes) -> bytes:
    """Write one attribute that holds others. Raises `struct.error` if they have more than 65,531 bytes together."""
    return attribute(kind | NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """Write a string, with a zero byte at its end (NLA_NUL_STRING)."""
    return attribute(kind, value.encode() + b"\0")


def u16(kind: int, value: int) -> bytes:
    """Write a number of 16 bits; raises `struct.error` if it has more."""
    return attribute(kind, struct.pack("=H", value))


def u32(kind: int, value: int) -> bytes:
    """Write a number of 32 bits; raises `struct.error` if it has more."""
    return attribute(kind, struct.pack("=I", value))


def be16(kind: int, value: int) -> bytes:
    """Write a big-endian number of 16 bits, such as a port; raises `struct.error` if it has more."""
    return attribute(kind, struct.pack("!H", value))


def be32(kind: int, value: int) -> bytes:
    """Write a big-endian number of 32 bits, as nf_tables wants all; raises `struct.error` if it has more."""
    return attribute(kind, struct.pack("!I", value))


def number(value: bytes) -> int:
    """Read a number of any size in the machine's byte order; no bytes are 0."""
    return int.from_bytes(value, sys.byteorder)


def string(value: bytes) -> str:
    """Read a string up to its zero byte, or all of it if there is none; what is no UTF-8 is replaced."""
    return value.split(b"\0", 1)[0].decode(errors="replace")


def items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read attributes in their order, as kind and value. Raises `ValueError` for a length that can't be."""
    offset = 0
    while offset + HEADER.size <= len(data):
        size, kind = HEADER.unpack_from(data, offset)
        # Without the first part a size of 0 would loop for ever.
        if size < HEADER.size or offset + size > len(data):
            raise ValueError(f"attribute {kind} of {size} bytes at {offset} of {len(data)}")
        yield kind & KIND_MASK, data[offset + HEADER.size:offset + size]
        offset += aligned(size)


def fields(data: bytes) -> dict[int, bytes]:
    """Read attributes by kind; of a kind that is repeated, the last. Raises `ValueError`, see `items`."""
    return dict(items(data))
