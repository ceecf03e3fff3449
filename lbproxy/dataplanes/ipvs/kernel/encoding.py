"""Values of IPVS planning to and from the kernel's attributes (linux/ip_vs.h). Pure.

The traps, each seen on a kernel: a service by mark needs a netmask too; an IPv6 netmask is a prefix length.
"""

import enum
import ipaddress
import socket
import struct
from collections.abc import Iterable

from lbproxy.dataplanes.ipvs.planning.values import (
    Counters,
    Destination,
    Key,
    Mark,
    ObservedDestination,
    ObservedService,
    Timeouts,
)
from lbproxy.model.address import Address
from lbproxy.netlink.attributes import attribute, be16, fields, nest, number, string, text, u16, u32

MASQUERADING = 0
METHOD_MASK = 0x7
"""The bits of the forwarding method that say which."""
HASHED = 0x2
"""The kernel's own flag: the service is in its table."""
ALL = 0xFFFFFFFF
NETMASKS = {socket.AF_INET: ALL, socket.AF_INET6: 128}
"""For persistence, which we don't use; the kernel insists. A mask for IPv4, a prefix length for IPv6."""

PROBE_MARK = 0x6C_62_70_64
"""Of the service that the kernel refuses; any would do."""


class Command(enum.IntEnum):
    """What is asked for."""

    NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
    NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8
    SET_CONFIG, GET_CONFIG = 12, 13


class Top(enum.IntEnum):
    """Attributes of a message."""

    SERVICE, DEST = 1, 2
    TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP = 4, 5, 6


class Svc(enum.IntEnum):
    """Attributes of a service."""

    FAMILY, PROTOCOL, ADDRESS, PORT, MARK, SCHEDULER, FLAGS, TIMEOUT, NETMASK = range(1, 10)
    ENGINE = 11


class Dest(enum.IntEnum):
    """Attributes of a destination."""

    ADDRESS, PORT, METHOD, WEIGHT, UPPER, LOWER, ACTIVE, INACTIVE = range(1, 9)
    FAMILY, STATISTICS = 11, 12


class Count(enum.IntEnum):
    """Attributes of 64-bit statistics."""

    CONNECTIONS, BYTES_IN, BYTES_OUT = 1, 4, 5


def key(named: Key) -> bytes:
    """Name a service."""
    return nest(Top.SERVICE, *_key(named))


def service(named: Key, scheduler: str) -> bytes:
    """Describe a service, without persistence."""
    return _described(named, scheduler, NETMASKS[named.family])


def impossible(scheduler: str) -> bytes:
    """Describe a service that the kernel refuses: IPv6, with a prefix of 0 bits."""
    return _described(Mark(socket.AF_INET6, PROBE_MARK), scheduler, 0)


def place(address: Address) -> bytes:
    """Name a destination."""
    return nest(Top.DEST, *_place(address))


def destination(wanted: Destination) -> bytes:
    """Describe a destination."""
    return nest(Top.DEST, *_place(wanted.address), u32(Dest.METHOD, MASQUERADING), u32(Dest.WEIGHT, wanted.weight),
                u32(Dest.UPPER, wanted.limit), u32(Dest.LOWER, 0))


def timeouts(wanted: Timeouts) -> bytes:
    """Describe the timeouts; what is 0 stays."""
    return b"".join([u32(Top.TIMEOUT_TCP, wanted.tcp), u32(Top.TIMEOUT_TCP_FIN, wanted.tcp_fin),
                     u32(Top.TIMEOUT_UDP, wanted.udp)])


def timeouts_read(answer: bytes) -> Timeouts:
    """Read them."""
    found = fields(answer)
    return Timeouts(*(number(found[kind]) for kind in (Top.TIMEOUT_TCP, Top.TIMEOUT_TCP_FIN, Top.TIMEOUT_UDP)))


def service_read(answer: bytes) -> ObservedService | None:
    """Read a service, without its destinations; None if it is neither TCP nor by mark."""
    found = fields(fields(answer)[Top.SERVICE])
    family = socket.AddressFamily(number(found[Svc.FAMILY]))
    if Svc.MARK in found:
        named: Key = Mark(family, number(found[Svc.MARK]))
    elif number(found[Svc.PROTOCOL]) == socket.IPPROTO_TCP:
        named = Address(_host(family, found[Svc.ADDRESS]), int.from_bytes(found[Svc.PORT]))
    else:
        return None
    flags, _ = struct.unpack("=II", found[Svc.FLAGS])
    return ObservedService(named, string(found[Svc.SCHEDULER]), {}, not flags & ~HASHED and Svc.ENGINE not in found)


def with_destinations(observed: ObservedService, answers: Iterable[bytes]) -> ObservedService:
    """Read destinations, into their service."""
    found = [_destination_read(observed, fields(fields(answer)[Top.DEST])) for answer in answers]
    return ObservedService(observed.key, observed.scheduler, {one.destination.address: one for one in found},
                           observed.is_plain)


def _destination_read(observed: ObservedService, found: dict[int, bytes]) -> ObservedDestination:
    # the family is said since Linux 3.18; before, it was always the service's
    family = socket.AddressFamily(number(found[Dest.FAMILY])) if Dest.FAMILY in found else observed.key.family
    address = Address(_host(family, found[Dest.ADDRESS]), int.from_bytes(found[Dest.PORT]))
    return ObservedDestination(
        Destination(address, number(found[Dest.WEIGHT]), number(found[Dest.UPPER])),
        number(found[Dest.ACTIVE]), number(found[Dest.INACTIVE]), _counters(found[Dest.STATISTICS]),
        number(found[Dest.METHOD]) & METHOD_MASK == MASQUERADING, number(found[Dest.LOWER]) != 0)


def _counters(statistics: bytes) -> Counters:
    found = fields(statistics)
    return Counters(*(number(found[kind]) for kind in (Count.CONNECTIONS, Count.BYTES_IN, Count.BYTES_OUT)))


def _described(named: Key, scheduler: str, netmask: int) -> bytes:
    plain = attribute(Svc.FLAGS, struct.pack("=II", 0, ALL))
    return nest(Top.SERVICE, *_key(named), text(Svc.SCHEDULER, scheduler), plain, u32(Svc.TIMEOUT, 0),
                u32(Svc.NETMASK, netmask))


def _key(named: Key) -> list[bytes]:
    family = u16(Svc.FAMILY, named.family)
    if isinstance(named, Mark):
        return [family, u32(Svc.MARK, named.number)]
    return [family, u16(Svc.PROTOCOL, socket.IPPROTO_TCP), attribute(Svc.ADDRESS, _packed(named.host)),
            be16(Svc.PORT, named.port)]


def _place(address: Address) -> list[bytes]:
    return [u16(Dest.FAMILY, address.family), attribute(Dest.ADDRESS, _packed(address.host)),
            be16(Dest.PORT, address.port)]


def _packed(host: str) -> bytes:
    """Write an address as the kernel's union of both kinds."""
    return ipaddress.ip_address(host).packed.ljust(16, b"\0")


def _host(family: socket.AddressFamily, packed: bytes) -> str:
    return socket.inet_ntop(family, packed[:4 if family is socket.AF_INET else 16])
