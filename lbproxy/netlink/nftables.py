"""nf_tables' messages (linux/netfilter/nf_tables.h): tables, sets, chains and rules. Pure."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lbproxy.netlink.attributes import attribute, be32, nest, text
from lbproxy.netlink.channel import APPEND, CREATE, NetlinkMessage

SUBSYSTEM = 10
BEGIN, END = 0x10, 0x11
HEADER = struct.Struct("=BBH")
"""Family, version, resource (`nfgenmsg`)."""
NEW_TABLE, GET_TABLE, DELETE_TABLE, NEW_CHAIN, GET_CHAIN, _, NEW_RULE, GET_RULE = range(8)
NEW_SET, NEW_ELEMENTS, GET_ELEMENTS, GET_GENERATION = 9, 12, 13, 16

TABLE_NAME, TABLE_FLAGS, TABLE_USE = 1, 2, 3
CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_TYPE = 1, 3, 4, 7
HOOK_NUMBER, HOOK_PRIORITY = 1, 2
RULE_TABLE, RULE_CHAIN, RULE_EXPRESSIONS, RULE_USER_DATA = 1, 2, 4, 7
SET_TABLE, SET_NAME, SET_FLAGS, SET_KEY_TYPE, SET_KEY_SIZE, SET_DATA_TYPE, SET_DATA_SIZE = range(1, 8)
SET_ID, SET_USER_DATA = 10, 13
LIST_TABLE, LIST_SET, LIST_ELEMENTS = 1, 2, 3
ELEMENT_KEY, ELEMENT_DATA = 1, 2
LIST_ITEM, VALUE, GENERATION = 1, 1, 1
"""Attributes, by what they are of."""

LONGEST_LIST = 500
"""Elements in one message: an attribute holds 64 KB, and an element of an IPv6 set with data some 60 bytes."""
MAP = 0x8
COMMENT, KEY_ORDER, DATA_ORDER = 0, 0, 1
"""Kinds of user data: it is nothing to the kernel, and tells nft what to show. Of a rule, and of a set."""
HOST_ORDER = struct.pack("=I", 1)


@dataclass(frozen=True, slots=True)
class NftSet:
    """A set, or a map if it has `data_type`. Types are those of nft: for concatenations 6 bits for each part."""

    name: str
    key_type: int
    key_size: int
    elements: Sequence[tuple[bytes, bytes]]
    """Keys and data; the data is empty in a set."""
    data_type: int = 0
    data_size: int = 0
    is_host_order: bool = False
    """Keys are numbers in the machine's byte order; data always is."""


@dataclass(frozen=True, slots=True)
class NftChain:
    """A base chain, at its hook."""

    name: str
    kind: str
    hook: int
    priority: int


@dataclass(frozen=True, slots=True)
class NftRule:
    """A rule at the end of its chain. Whoever changes it loses the comment, and by that is found out."""

    chain: str
    comment: str
    expressions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class NftTable:
    """A table as it should be."""

    sets: tuple[NftSet, ...] = ()
    chains: tuple[NftChain, ...] = ()
    rules: tuple[NftRule, ...] = ()


def message(family: int, kind: int, *attributes: bytes, flags: int = 0) -> NetlinkMessage:
    """Write a request."""
    return NetlinkMessage(SUBSYSTEM << 8 | kind, HEADER.pack(family, 0, 0) + b"".join(attributes), flags)


def transaction(messages: Iterable[NetlinkMessage]) -> list[NetlinkMessage]:
    """Enclose changes so that all of them happen at one moment, or none."""
    subsystem = HEADER.pack(0, 0, 0)[:2] + struct.pack("!H", SUBSYSTEM)
    return [NetlinkMessage(BEGIN, subsystem), *messages, NetlinkMessage(END, subsystem)]


def made(family: int, name: str, table: NftTable) -> Iterator[NetlinkMessage]:
    """Give the messages that make a table which isn't there."""
    yield message(family, NEW_TABLE, text(TABLE_NAME, name), flags=CREATE)
    for place, one in enumerate(table.sets, 1):
        yield message(family, NEW_SET, text(SET_TABLE, name), *_set(one), be32(SET_ID, place), flags=CREATE)
        for start in range(0, len(one.elements), LONGEST_LIST):
            elements = nest(LIST_ELEMENTS, *map(_element, one.elements[start:start + LONGEST_LIST]))
            yield message(family, NEW_ELEMENTS, text(LIST_TABLE, name), text(LIST_SET, one.name), elements,
                          flags=CREATE)
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
    yield nest(CHAIN_HOOK, be32(HOOK_NUMBER, chain.hook), be32(HOOK_PRIORITY, chain.priority & 0xFFFFFFFF))
    yield text(CHAIN_TYPE, chain.kind)


def _rule(rule: NftRule) -> Iterator[bytes]:
    yield text(RULE_CHAIN, rule.chain)
    yield nest(RULE_EXPRESSIONS, *(nest(LIST_ITEM, one) for one in rule.expressions))
    yield attribute(RULE_USER_DATA, user_data(COMMENT, rule.comment.encode() + b"\0"))


def user_data(kind: int, value: bytes) -> bytes:
    """Write an attribute of nft's own kind: one byte each for kind and length."""
    return bytes([kind, len(value)]) + value
