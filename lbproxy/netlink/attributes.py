"""Netlink's attributes (netlink(7), linux/netlink.h): length, kind and value, aligned to 4 bytes, maybe nested. Pure.

Numbers are in the machine's byte order, except where the receiver wants them big-endian.
"""

import struct
import sys
from collections.abc import Iterator

HEADER = struct.Struct("=HH")
NATIVE = sys.byteorder
NESTED = 0x8000
KIND_MASK = 0x3FFF
"""Without the flags for nested and for big-endian."""


def aligned(size: int) -> int:
    """Round up to the next multiple of 4."""
    return (size + 3) & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """Write one; raises `struct.error` for a value above 65,531 bytes."""
    return HEADER.pack(HEADER.size + len(value), kind) + value.ljust(aligned(len(value)), b"\0")


def nest(kind: int, *attributes: bytes) -> bytes:
    """Write one that holds others."""
    return attribute(kind | NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """Write a string, with the zero at its end."""
    return attribute(kind, value.encode() + b"\0")


def u16(kind: int, value: int) -> bytes:
    """Write a number."""
    return attribute(kind, struct.pack("=H", value))


def u32(kind: int, value: int) -> bytes:
    """Write a number."""
    return attribute(kind, struct.pack("=I", value))


def be16(kind: int, value: int) -> bytes:
    """Write a big-endian number, such as a port."""
    return attribute(kind, struct.pack("!H", value))


def be32(kind: int, value: int) -> bytes:
    """Write a big-endian number; nf_tables has no others."""
    return attribute(kind, struct.pack("!I", value))


def number(value: bytes) -> int:
    """Read one in the machine's byte order, of any size."""
    return int.from_bytes(value, NATIVE)


def string(value: bytes) -> str:
    """Read a string, which need not end with a zero."""
    return value.split(b"\0", 1)[0].decode(errors="replace")


def items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read all, in their order. Raises `ValueError` for what is cut off."""
    offset = 0
    while offset + HEADER.size <= len(data):
        size, kind = HEADER.unpack_from(data, offset)
        if size < HEADER.size or offset + size > len(data):
            raise ValueError(f"attribute {kind} of {size} bytes at {offset} of {len(data)}")
        yield kind & KIND_MASK, data[offset + HEADER.size:offset + size]
        offset += aligned(size)


def fields(data: bytes) -> dict[int, bytes]:
    """Read all, by kind."""
    return dict(items(data))
