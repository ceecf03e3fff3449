"""nf_tables' messages (linux/netfilter/nf_tables.h): tables, sets, chains and rules. Pure."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lbproxy.netlink.attributes import attribute, be32, nest, text
from lbproxy.netlink.message import APPEND, CREATE, NetlinkMessage

SUBSYSTEM = 10
"""NFNL_SUBSYS_NFTABLES, the upper byte of a message's kind (linux/netfilter/nfnetlink.h)."""
BEGIN, END = 0x10, 0x11
"""NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END: the bounds of a transaction."""
HEADER = struct.Struct("=BBH")
"""`struct nfgenmsg`: family, version, resource."""
# `_`: NFT_MSG_DELCHAIN is not needed, as a table is deleted with all that is in it.
NEW_TABLE, GET_TABLE, DELETE_TABLE, NEW_CHAIN, GET_CHAIN, _, NEW_RULE, GET_RULE = range(8)
NEW_SET, NEW_ELEMENTS, GET_ELEMENTS, GET_GENERATION = 9, 12, 13, 16
"""NFT_MSG_*, the lower byte of a message's kind."""

TABLE_NAME, TABLE_FLAGS, TABLE_USE = 1, 2, 3
CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_TYPE = 1, 3, 4, 7
HOOK_NUMBER, HOOK_PRIORITY = 1, 2
RULE_TABLE, RULE_CHAIN, RULE_EXPRESSIONS, RULE_USER_DATA = 1, 2, 4, 7
SET_TABLE, SET_NAME, SET_FLAGS, SET_KEY_TYPE, SET_KEY_SIZE, SET_DATA_TYPE, SET_DATA_SIZE = range(1, 8)
SET_ID, SET_USER_DATA = 10, 13
LIST_TABLE, LIST_SET, LIST_ELEMENTS = 1, 2, 3
ELEMENT_KEY, ELEMENT_DATA = 1, 2
LIST_ITEM, VALUE, GENERATION = 1, 1, 1
"""Attributes, by what they belong to (NFTA_TABLE_*, NFTA_CHAIN_*, NFTA_HOOK_*, NFTA_RULE_*, NFTA_SET_*,
NFTA_SET_ELEM_LIST_*, NFTA_SET_ELEM_*, NFTA_LIST_*, NFTA_DATA_*, NFTA_GEN_*)."""

LONGEST_LIST = 500
"""Elements in one message: an attribute holds 64 KB, and an element of an IPv6 set with data takes some 60 bytes."""
MAP = 0x8
"""NFT_SET_MAP."""
COMMENT, KEY_ORDER, DATA_ORDER = 0, 0, 1
"""Kinds of user data: the comment of a rule, the byte orders of a set (NFTNL_UDATA_* of libnftnl).

The kernel keeps user data and ignores it; it tells nft(8) what to show.
"""
HOST_ORDER = struct.pack("=I", 1)
"""BYTEORDER_HOST_ENDIAN of nft."""
USER_DATA_HEADER = 2
"""Bytes before the value of user data: kind and length."""


@dataclass(frozen=True, slots=True)
class NftSet:
    """A set, or a map if it has `data_type`. Types are those of nft(8): in a concatenation, 6 bits for each part."""

    name: str
    key_type: int
    key_size: int
    elements: Sequence[tuple[bytes, bytes]]
    """Keys and data, in bytes as the kernel has them; the data is empty in a set."""
    data_type: int = 0
    data_size: int = 0
    is_host_order: bool = False
    """Whether keys are numbers in the machine's byte order; data always are."""


@dataclass(frozen=True, slots=True)
class NftChain:
    """A base chain, at its hook."""

    name: str
    kind: str
    """`filter` or `nat`."""
    hook: int
    """NF_INET_* (linux/netfilter.h)."""
    priority: int
    """Chains at one hook run in rising order; may be negative."""


@dataclass(frozen=True, slots=True)
class NftRule:
    """A rule at the end of its chain. A program that replaces it loses the comment, by which that is noticed."""

    chain: str
    comment: str
    expressions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class NftTable:
    """A table as it should be: the chains and sets that its rules name are its own."""

    sets: tuple[NftSet, ...] = ()
    chains: tuple[NftChain, ...] = ()
    rules: tuple[NftRule, ...] = ()


def message(family: int, kind: int, *attributes: bytes, flags: int = 0) -> NetlinkMessage:
    """Write a request of a kind (NFT_MSG_*) for a family (NFPROTO_*; 0 where it does not matter)."""
    return NetlinkMessage(SUBSYSTEM << 8 | kind, HEADER.pack(family, 0, 0) + b"".join(attributes), flags)


def transaction(messages: Iterable[NetlinkMessage]) -> list[NetlinkMessage]:
    """Enclose changes so that all of them take effect at one moment, or none does."""
    subsystem = HEADER.pack(0, 0, 0)[:2] + struct.pack("!H", SUBSYSTEM)  # the resource is big-endian
    return [NetlinkMessage(BEGIN, subsystem), *messages, NetlinkMessage(END, subsystem)]


def table_messages(family: int, name: str, table: NftTable) -> Iterator[NetlinkMessage]:
    """Give the messages that make a table which does not exist yet; to be sent in a `transaction`."""
    yield message(family, NEW_TABLE, text(TABLE_NAME, name), flags=CREATE)
    for number, one in enumerate(table.sets, 1):
        # The id names the set within its transaction, which nf_tables demands of each new set.
        yield message(family, NEW_SET, text(SET_TABLE, name), *_set(one), be32(SET_ID, number), flags=CREATE)
        for start in range(0, len(one.elements), LONGEST_LIST):
            elements = nest(LIST_ELEMENTS, *map(_element, one.elements[start:start + LONGEST_LIST]))
            yield message(family, NEW_ELEMENTS, text(LIST_TABLE, name), text(LIST_SET, one.name), elements,
                          flags=CREATE)
    # Sets before rules: a rule that looks up a set which isn't there yet is refused.
    for chain in table.chains:
        yield message(family, NEW_CHAIN, text(CHAIN_TABLE, name), *_chain(chain), flags=CREATE)
    for rule in table.rules:
        yield message(family, NEW_RULE, text(RULE_TABLE, name), *_rule(rule), flags=CREATE | APPEND)


def _set(one: NftSet) -> Iterator[bytes]:
    yield text(SET_NAME, one.name)
    yield be32(SET_FLAGS, MAP if one.data_size else 0)
    yield be32(SET_KEY_TYPE, one.key_type)
    yield be32(SET_KEY_SIZE, one.key_size)
    orders = user_data(KEY_ORDER, HOST_ORDER) if one.is_host_order else b""
    if one.data_size:
        yield be32(SET_DATA_TYPE, one.data_type)
        yield be32(SET_DATA_SIZE, one.data_size)
        orders += user_data(DATA_ORDER, HOST_ORDER)
    yield attribute(SET_USER_DATA, orders)


def _element(element: tuple[bytes, bytes]) -> bytes:
    key, data = element
    named = nest(ELEMENT_KEY, attribute(VALUE, key))
    return nest(LIST_ITEM, named, *([nest(ELEMENT_DATA, attribute(VALUE, data))] if data else []))


def _chain(chain: NftChain) -> Iterator[bytes]:
    yield text(CHAIN_NAME, chain.name)
    # The priority is signed for the kernel, and `be32` packs unsigned numbers: two's complement by hand.
    yield nest(CHAIN_HOOK, be32(HOOK_NUMBER, chain.hook), be32(HOOK_PRIORITY, chain.priority & 0xFFFFFFFF))
    yield text(CHAIN_TYPE, chain.kind)


def _rule(rule: NftRule) -> Iterator[bytes]:
    yield text(RULE_CHAIN, rule.chain)
    yield nest(RULE_EXPRESSIONS, *(nest(LIST_ITEM, one) for one in rule.expressions))
    yield attribute(RULE_USER_DATA, user_data(COMMENT, rule.comment.encode() + b"\0"))


def user_data(kind: int, value: bytes) -> bytes:
    """Write user data in libnftnl's form: one byte each for kind and length. Raises `ValueError` above 255 bytes."""
    return bytes([kind, len(value)]) + value
