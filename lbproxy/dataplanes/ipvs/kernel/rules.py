"""What our tables hold, written and read. Pure.

Masquerading goes by the packet that began a connection, before IPVS chose the backend: only connections to our services
are touched, never our own to a backend (health checks), nor anybody else's.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterable, Mapping

from lbproxy.dataplanes.ipvs.planning.values import Key, Mark, Ruleset
from lbproxy.model.address import Address
from lbproxy.netlink.expressions import (
    equals,
    is_in,
    load_meta,
    load_original,
    load_packet,
    look_up,
    masquerade,
    set_meta,
)
from lbproxy.netlink.nftables import NftChain, NftRule, NftSet, NftTable

SERVICES, MARKS, MARKING = "services", "marks", "marking"
"""The names of the sets: our virtual services by address and by mark, and which mark an address's packets get."""

ADDRESS_TYPES = {socket.AF_INET: 7, socket.AF_INET6: 8}
PORT_TYPE, MARK_TYPE = 13, 19
SIZES = {socket.AF_INET: 4, socket.AF_INET6: 16}
DESTINATIONS = {socket.AF_INET: 16, socket.AF_INET6: 24}
"""Where the destination stands in the IP header."""
META_MARK, META_PROTOCOL = 3, 16
ORIGINAL_ADDRESS = {socket.AF_INET: 20, socket.AF_INET6: 22}
ORIGINAL_PORT = 12
FULLY_RANDOM = 1 << 4
"""Else two connections at one moment may choose the same port, and one of them is lost."""

IS_TCP = (load_meta(META_PROTOCOL), equals(bytes([socket.IPPROTO_TCP])))
PREROUTING = NftChain("prerouting", "filter", 0, -150)
"""At `mangle`: before routing and before IPVS."""
POSTROUTING = NftChain("postrouting", "nat", 4, 100)
"""At `srcnat`."""


def table(family: socket.AddressFamily, ruleset: Ruleset) -> NftTable:
    """Give one family's table; empty if nothing is said of it."""
    owned = sorted(key for key in ruleset.owned if isinstance(key, Address) and key.family is family)
    marks = sorted(key.number for key in ruleset.owned if isinstance(key, Mark) and key.family is family)
    marking = sorted((address, mark) for address, mark in ruleset.marking.items() if address.family is family)
    sets = (_places(family, SERVICES, [(_packed(address), b"") for address in owned]),
            NftSet(MARKS, MARK_TYPE, 4, [(_number(mark), b"") for mark in marks], is_host_order=True),
            _places(family, MARKING, [(_packed(address), _number(mark)) for address, mark in marking], MARK_TYPE))
    rules = {SERVICES: _by_service(family), MARKS: _by_mark(), MARKING: _marked(family)}
    used = [rules[one.name] for one in sets if one.elements]
    chains = tuple(chain for chain in (PREROUTING, POSTROUTING) if any(rule.chain == chain.name for rule in used))
    return NftTable(tuple(one for one in sets if one.elements), chains, tuple(used))


def ruleset(family: socket.AddressFamily, elements: Mapping[str, Iterable[tuple[bytes, bytes]]]) -> Ruleset:
    """Read what a family's sets say. Raises `ValueError` if they can't be ours."""
    owned: set[Key] = {_address(family, key) for key, _ in elements.get(SERVICES, ())}
    owned |= {Mark(family, _read_number(key)) for key, _ in elements.get(MARKS, ())}
    marking = {_address(family, key): _read_number(mark) for key, mark in elements.get(MARKING, ())}
    return Ruleset(frozenset(owned), marking)


def _by_service(family: socket.AddressFamily) -> NftRule:
    width = SIZES[family] // 4
    return NftRule(POSTROUTING.name, "connections to our services", (
        *IS_TCP, load_original(ORIGINAL_ADDRESS[family], 0), load_original(ORIGINAL_PORT, width), is_in(SERVICES),
        masquerade(FULLY_RANDOM)))


def _by_mark() -> NftRule:
    return NftRule(POSTROUTING.name, "connections with our marks", (
        *IS_TCP, load_meta(META_MARK), is_in(MARKS), masquerade(FULLY_RANDOM)))


def _marked(family: socket.AddressFamily) -> NftRule:
    width = SIZES[family] // 4
    return NftRule(PREROUTING.name, "for our fwmark services", (
        *IS_TCP, load_packet(1, DESTINATIONS[family], SIZES[family], 0), load_packet(2, 2, 2, width),
        look_up(MARKING), set_meta(META_MARK)))


def _places(family: socket.AddressFamily, name: str, elements: list[tuple[bytes, bytes]], data_type: int = 0) -> NftSet:
    key_type = ADDRESS_TYPES[family] << 6 | PORT_TYPE
    return NftSet(name, key_type, SIZES[family] + 4, elements, data_type, 4 if data_type else 0)


def _packed(address: Address) -> bytes:
    """Write address and port, each in whole registers."""
    return ipaddress.ip_address(address.host).packed + struct.pack("!HH", address.port, 0)


def _address(family: socket.AddressFamily, packed: bytes) -> Address:
    host, port = packed[:SIZES[family]], packed[SIZES[family]:]
    if len(port) < 2:  # noqa: PLR2004 - bytes of a port
        raise ValueError(f"{packed.hex()} is no address and port")
    return Address(socket.inet_ntop(family, host), int.from_bytes(port[:2]))


def _number(mark: int) -> bytes:
    return struct.pack("=I", mark)


def _read_number(packed: bytes) -> int:
    if len(packed) != 4:  # noqa: PLR2004 - bytes of a mark
        raise ValueError(f"{packed.hex()} is no mark")
    return int(struct.unpack("=I", packed)[0])
