"""What nf_tables rules are made of: each expression loads registers, compares them, or acts on the packet. Pure.

Attributes are numbered as in linux/netfilter/nf_tables.h. Registers are those of 32 bits, numbered from 0 here.
"""

from lbproxy.netlink.attributes import attribute, be32, nest, text
from lbproxy.netlink.nftables import VALUE

NAME, DATA = 1, 2
"""NFTA_EXPR_*."""
FIRST_REGISTER = 8
"""NFT_REG32_00: lower numbers are the older registers of 128 bits."""
NETWORK_HEADER, TRANSPORT_HEADER = 1, 2
"""NFT_PAYLOAD_NETWORK_HEADER, NFT_PAYLOAD_TRANSPORT_HEADER."""
PAYLOAD_INTO, PAYLOAD_BASE, PAYLOAD_OFFSET, PAYLOAD_SIZE = 1, 2, 3, 4
META_INTO, META_KEY, META_FROM = 1, 2, 3
CT_INTO, CT_KEY, CT_DIRECTION = 1, 2, 3
COMPARE_FROM, COMPARE_HOW, COMPARE_DATA = 1, 2, 3
LOOKUP_SET, LOOKUP_FROM, LOOKUP_INTO = 1, 2, 3
MASQUERADE_FLAGS = 1
"""Attributes of each expression (NFTA_PAYLOAD_*, NFTA_META_*, NFTA_CT_*, NFTA_CMP_*, NFTA_LOOKUP_*, NFTA_MASQ_*)."""
ORIGINAL, EQUAL = 0, 0
"""IP_CT_DIR_ORIGINAL and NFT_CMP_EQ."""


def load_packet(base: int, offset: int, size: int, into: int) -> bytes:
    """Load `size` bytes at `offset` of `NETWORK_HEADER` or `TRANSPORT_HEADER` into the registers from `into` on."""
    return _expression("payload", be32(PAYLOAD_INTO, _register(into)), be32(PAYLOAD_BASE, base),
                       be32(PAYLOAD_OFFSET, offset), be32(PAYLOAD_SIZE, size))


def load_meta(key: int) -> bytes:
    """Load a property of the packet (NFT_META_*) into the first register."""
    return _expression("meta", be32(META_INTO, _register(0)), be32(META_KEY, key))


def set_meta(key: int) -> bytes:
    """Set a property of the packet (NFT_META_*) to what the first register holds."""
    return _expression("meta", be32(META_KEY, key), be32(META_FROM, _register(0)))


def load_original(key: int, into: int) -> bytes:
    """Load a part (NFT_CT_*) of what conntrack saw in the connection's first packet, before any translation."""
    return _expression("ct", be32(CT_INTO, _register(into)), be32(CT_KEY, key),
                       attribute(CT_DIRECTION, bytes([ORIGINAL])))


def equals(value: bytes) -> bytes:
    """Go on with the rule only if the first register holds this."""
    return _expression("cmp", be32(COMPARE_FROM, _register(0)), be32(COMPARE_HOW, EQUAL),
                       nest(COMPARE_DATA, attribute(VALUE, value)))


def is_in(name: str) -> bytes:
    """Go on with the rule only if the registers hold an element of a set."""
    return _expression("lookup", text(LOOKUP_SET, name), be32(LOOKUP_FROM, _register(0)))


def look_up(name: str) -> bytes:
    """Go on with the rule only if the registers hold a key of a map; load its data into the first register."""
    return _expression("lookup", text(LOOKUP_SET, name), be32(LOOKUP_FROM, _register(0)),
                       be32(LOOKUP_INTO, _register(0)))


def masquerade(flags: int) -> bytes:
    """Make the source an address of the outgoing interface; `flags` are NF_NAT_RANGE_*."""
    return _expression("masq", be32(MASQUERADE_FLAGS, flags))


def _expression(name: str, *attributes: bytes) -> bytes:
    return text(NAME, name) + nest(DATA, *attributes)


def _register(number: int) -> int:
    return FIRST_REGISTER + number
