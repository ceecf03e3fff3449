"""What our nftables tables hold, to and from a `Ruleset`. Pure.

Masquerading is needed since a balancer in a pod is not its backends' gateway: without it they answer the client
directly, from an address that it doesn't know. It is chosen by where the connection came in, before IPVS has chosen a
backend. So only connections to our services are touched, never our own to a backend (health checks), nor those of other
programs.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterable, Mapping

from lbproxy.dataplanes.ipvs.planning.values import Mark, Ruleset, ServiceKey
from lbproxy.model.address import Address
from lbproxy.netlink.expressions import (
    NETWORK_HEADER,
    TRANSPORT_HEADER,
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

SERVICES, MARKS, MARKING = SETS = "services", "marks", "marking"
"""Our virtual services by address, those by mark, and the mark that packets for an address get."""

ADDRESS_TYPES = {socket.AF_INET: 7, socket.AF_INET6: 8}
PORT_TYPE, MARK_TYPE = 13, 19
"""nft's own numbers of data types (`enum datatypes` in its datatype.h): for the kernel, only the sizes count."""
ADDRESS_SIZES = {socket.AF_INET: 4, socket.AF_INET6: 16}
PORT_SIZE, MARK_SIZE = 2, 4
REGISTER_SIZE = 4
DESTINATION_OFFSETS = {socket.AF_INET: 16, socket.AF_INET6: 24}
"""Where the destination address stands in the IP header (RFC 791, RFC 8200)."""
DESTINATION_PORT_OFFSET = 2
"""Where the destination port stands in the TCP header (RFC 9293)."""
META_MARK, META_PROTOCOL = 3, 16
"""NFT_META_MARK and NFT_META_L4PROTO."""
ORIGINAL_ADDRESS = {socket.AF_INET: 20, socket.AF_INET6: 22}
ORIGINAL_PORT = 12
"""NFT_CT_DST_IP, NFT_CT_DST_IP6 and NFT_CT_PROTO_DST.

Conntrack's original direction keeps the address that the client used: IPVS alters only the reply direction
(`ip_vs_update_conntrack`). So no set of backends is needed, and a change of backends costs no transaction.
"""
FULLY_RANDOM = 1 << 4
"""NF_NAT_RANGE_PROTO_RANDOM_FULLY. Otherwise two connections at one moment may choose the same source port, and one of
them is dropped (`insert_failed` in conntrack's statistics)."""

IS_TCP = (load_meta(META_PROTOCOL), equals(bytes([socket.IPPROTO_TCP])))
PREROUTING = NftChain("prerouting", "filter", 0, -150)
"""At NF_INET_PRE_ROUTING with nft's priority `mangle`: before routing and before IPVS, which schedules at LOCAL_IN."""
POSTROUTING = NftChain("postrouting", "nat", 4, 100)
"""At NF_INET_POST_ROUTING with nft's priority `srcnat`."""


def encode_ruleset(family: socket.AddressFamily, ruleset: Ruleset) -> NftTable:
    """Give one family's table; one without sets if the ruleset has nothing of the family."""
    owned = sorted(key for key in ruleset.owned if isinstance(key, Address) and key.family is family)
    marks = sorted(key.number for key in ruleset.owned if isinstance(key, Mark) and key.family is family)
    marking = sorted((address, mark) for address, mark in ruleset.marking.items() if address.family is family)
    sets = (_address_set(family, SERVICES, [(_packed_address(address), b"") for address in owned]),
            NftSet(MARKS, MARK_TYPE, MARK_SIZE, [(_packed_mark(mark), b"") for mark in marks], is_host_order=True),
            _address_set(family, MARKING, [(_packed_address(address), _packed_mark(mark)) for address, mark in marking],
                         MARK_TYPE))
    rules = {SERVICES: _masquerade_services(family), MARKS: _masquerade_marks(), MARKING: _set_marks(family)}
    used = [rules[one.name] for one in sets if one.elements]
    chains = tuple(chain for chain in (PREROUTING, POSTROUTING) if any(rule.chain == chain.name for rule in used))
    return NftTable(tuple(one for one in sets if one.elements), chains, tuple(used))


def decode_ruleset(family: socket.AddressFamily,
                   elements: Mapping[str, Iterable[tuple[bytes, bytes]]]) -> Ruleset:
    """Read what a family's sets say. Raises `ValueError` if they can't be ours."""
    owned: set[ServiceKey] = {_address(family, key) for key, _ in elements.get(SERVICES, ())}
    owned |= {Mark(family, _mark(key)) for key, _ in elements.get(MARKS, ())}
    marking = {_address(family, key): _mark(mark) for key, mark in elements.get(MARKING, ())}
    return Ruleset(frozenset(owned), marking)


def _masquerade_services(family: socket.AddressFamily) -> NftRule:
    return NftRule(POSTROUTING.name, "connections to our services", (
        *IS_TCP, load_original(ORIGINAL_ADDRESS[family], 0), load_original(ORIGINAL_PORT, _registers(family)),
        is_in(SERVICES), masquerade(FULLY_RANDOM)))


def _masquerade_marks() -> NftRule:
    return NftRule(POSTROUTING.name, "connections with our marks", (
        *IS_TCP, load_meta(META_MARK), is_in(MARKS), masquerade(FULLY_RANDOM)))


def _set_marks(family: socket.AddressFamily) -> NftRule:
    return NftRule(PREROUTING.name, "for our fwmark services", (
        *IS_TCP, load_packet(NETWORK_HEADER, DESTINATION_OFFSETS[family], ADDRESS_SIZES[family], 0),
        load_packet(TRANSPORT_HEADER, DESTINATION_PORT_OFFSET, PORT_SIZE, _registers(family)),
        look_up(MARKING), set_meta(META_MARK)))


def _registers(family: socket.AddressFamily) -> int:
    """How many registers an address takes; the port follows in the next one."""
    return ADDRESS_SIZES[family] // REGISTER_SIZE


def _address_set(family: socket.AddressFamily, name: str, elements: list[tuple[bytes, bytes]],
                 data_type: int = 0) -> NftSet:
    key_type = ADDRESS_TYPES[family] << 6 | PORT_TYPE  # a concatenation: 6 bits for each part's type
    key_size = ADDRESS_SIZES[family] + REGISTER_SIZE
    return NftSet(name, key_type, key_size, elements, data_type, MARK_SIZE if data_type else 0)


def _packed_address(address: Address) -> bytes:
    """Write address and port, each padded to whole registers."""
    return ipaddress.ip_address(address.host).packed + struct.pack("!HH", address.port, 0)


def _address(family: socket.AddressFamily, packed: bytes) -> Address:
    host, port = packed[:ADDRESS_SIZES[family]], packed[ADDRESS_SIZES[family]:]
    if len(port) < PORT_SIZE:
        raise ValueError(f"{packed.hex()} is no address and port")
    return Address(socket.inet_ntop(family, host), int.from_bytes(port[:PORT_SIZE]))


def _packed_mark(mark: int) -> bytes:
    return struct.pack("=I", mark)


def _mark(packed: bytes) -> int:
    if len(packed) != MARK_SIZE:
        raise ValueError(f"{packed.hex()} is no mark")
    return int(struct.unpack("=I", packed)[0])
