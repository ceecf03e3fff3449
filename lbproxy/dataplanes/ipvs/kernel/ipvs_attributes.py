"""Values of IPVS planning to and from the attributes of the kernel's messages (include/uapi/linux/ip_vs.h). Pure.

Two traps, each seen on Linux 6.1 as EINVAL: a service by mark needs its family and a netmask too, and an IPv6 netmask
is a prefix length.
"""

import enum
import ipaddress
import socket
import struct
from collections.abc import Iterable

from lbproxy.dataplanes.ipvs.planning.values import (
    Counters,
    Destination,
    Mark,
    ObservedDestination,
    ObservedService,
    ServiceKey,
    Timeouts,
)
from lbproxy.model.address import Address
from lbproxy.netlink.attributes import attribute, be16, fields, nest, number, string, text, u16, u32

MASQUERADING = 0
"""The forwarding method IP_VS_CONN_F_MASQ."""
METHOD_MASK = 0x7
"""The bits of a destination's flags that are its forwarding method (IP_VS_CONN_F_FWD_MASK)."""
HASHED = 0x2
"""IP_VS_SVC_F_HASHED, the kernel's own flag: the service is in its table."""
ALL_BITS = 0xFFFFFFFF
NETMASKS = {socket.AF_INET: ALL_BITS, socket.AF_INET6: 128}
"""Groups clients for persistence, which lbproxy does not use; the kernel refuses a service without one. A mask for
IPv4, a prefix length for IPv6 (`ip_vs_add_service` checks 1 to 128)."""
PROBE_MARK = 0x6C_62_70_64
"""Of a service that the kernel refuses to make; any mark would do."""


class IpvsCommand(enum.IntEnum):
    """What a request asks for (IPVS_CMD_*)."""

    NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
    NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8
    SET_CONFIG, GET_CONFIG = 12, 13


class MessageAttribute(enum.IntEnum):
    """Attributes of a message (IPVS_CMD_ATTR_*)."""

    SERVICE, DEST = 1, 2
    TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP = 4, 5, 6


class ServiceAttribute(enum.IntEnum):
    """Attributes of a service (IPVS_SVC_ATTR_*)."""

    FAMILY, PROTOCOL, ADDRESS, PORT, MARK, SCHEDULER, FLAGS, TIMEOUT, NETMASK = range(1, 10)
    ENGINE = 11


class DestinationAttribute(enum.IntEnum):
    """Attributes of a destination (IPVS_DEST_ATTR_*)."""

    ADDRESS, PORT, METHOD, WEIGHT, UPPER, LOWER, ACTIVE, INACTIVE = range(1, 9)
    FAMILY, STATISTICS = 11, 12


class CounterAttribute(enum.IntEnum):
    """Attributes of 64-bit statistics (IPVS_STATS_ATTR_*)."""

    CONNECTIONS, BYTES_IN, BYTES_OUT = 1, 4, 5


def encode_service_key(key: ServiceKey) -> bytes:
    """Write which service a request is about."""
    return nest(MessageAttribute.SERVICE, *_service_key(key))


def encode_service(key: ServiceKey, scheduler: str) -> bytes:
    """Write a service, without persistence and with all flags cleared."""
    return _service(key, scheduler, NETMASKS[key.family])


def encode_impossible_service(scheduler: str) -> bytes:
    """Write a service that the kernel refuses: IPv6, with a prefix of 0 bits."""
    return _service(Mark(socket.AF_INET6, PROBE_MARK), scheduler, 0)


def encode_destination_address(address: Address) -> bytes:
    """Write which destination a request is about."""
    return nest(MessageAttribute.DEST, *_destination_address(address))


def encode_destination(destination: Destination) -> bytes:
    """Write a destination, masquerading and without a lower threshold."""
    return nest(MessageAttribute.DEST, *_destination_address(destination.address),
                u32(DestinationAttribute.METHOD, MASQUERADING), u32(DestinationAttribute.WEIGHT, destination.weight),
                u32(DestinationAttribute.UPPER, destination.limit), u32(DestinationAttribute.LOWER, 0))


def encode_timeouts(timeouts: Timeouts) -> bytes:
    """Write the timeouts; the kernel keeps what is 0."""
    return b"".join([u32(MessageAttribute.TIMEOUT_TCP, timeouts.tcp),
                     u32(MessageAttribute.TIMEOUT_TCP_FIN, timeouts.tcp_fin),
                     u32(MessageAttribute.TIMEOUT_UDP, timeouts.udp)])


def decode_timeouts(answer: bytes) -> Timeouts:
    """Read the answer to GET_CONFIG."""
    found = fields(answer)
    return Timeouts(number(found[MessageAttribute.TIMEOUT_TCP]), number(found[MessageAttribute.TIMEOUT_TCP_FIN]),
                    number(found[MessageAttribute.TIMEOUT_UDP]))


def decode_service(answer: bytes) -> ObservedService | None:
    """Read an answer to GET_SERVICE, without destinations; None if it is neither TCP nor by mark."""
    found = fields(fields(answer)[MessageAttribute.SERVICE])
    family = socket.AddressFamily(number(found[ServiceAttribute.FAMILY]))
    if ServiceAttribute.MARK in found:
        key: ServiceKey = Mark(family, number(found[ServiceAttribute.MARK]))
    elif number(found[ServiceAttribute.PROTOCOL]) == socket.IPPROTO_TCP:
        key = Address(_host(family, found[ServiceAttribute.ADDRESS]), int.from_bytes(found[ServiceAttribute.PORT]))
    else:
        return None
    flags, _ = struct.unpack("=II", found[ServiceAttribute.FLAGS])
    # The kernel sets HASHED itself, so it says nothing about what another program has changed.
    is_persistent_or_flagged = bool(flags & ~HASHED) or ServiceAttribute.ENGINE in found
    return ObservedService(key, string(found[ServiceAttribute.SCHEDULER]), {}, not is_persistent_or_flagged)


def decode_destinations(service: ObservedService, answers: Iterable[bytes]) -> ObservedService:
    """Give the service with the destinations from the answers to GET_DEST."""
    found = [_decode_destination(service, fields(fields(answer)[MessageAttribute.DEST])) for answer in answers]
    return ObservedService(service.key, service.scheduler, {one.destination.address: one for one in found},
                           service.is_plain)


def _decode_destination(service: ObservedService, found: dict[int, bytes]) -> ObservedDestination:
    # kernels before 3.18 do not tell the family, since it was always the service's
    family = (socket.AddressFamily(number(found[DestinationAttribute.FAMILY]))
              if DestinationAttribute.FAMILY in found else service.key.family)
    host = _host(family, found[DestinationAttribute.ADDRESS])
    address = Address(host, int.from_bytes(found[DestinationAttribute.PORT]))
    return ObservedDestination(
        Destination(address, number(found[DestinationAttribute.WEIGHT]), number(found[DestinationAttribute.UPPER])),
        number(found[DestinationAttribute.ACTIVE]), number(found[DestinationAttribute.INACTIVE]),
        _decode_counters(found[DestinationAttribute.STATISTICS]),
        number(found[DestinationAttribute.METHOD]) & METHOD_MASK == MASQUERADING,
        number(found[DestinationAttribute.LOWER]) != 0)


def _decode_counters(statistics: bytes) -> Counters:
    found = fields(statistics)
    return Counters(number(found[CounterAttribute.CONNECTIONS]), number(found[CounterAttribute.BYTES_IN]),
                    number(found[CounterAttribute.BYTES_OUT]))


def _service(key: ServiceKey, scheduler: str, netmask: int) -> bytes:
    no_flags = attribute(ServiceAttribute.FLAGS, struct.pack("=II", 0, ALL_BITS))  # the flags, and which to change
    return nest(MessageAttribute.SERVICE, *_service_key(key), text(ServiceAttribute.SCHEDULER, scheduler), no_flags,
                u32(ServiceAttribute.TIMEOUT, 0), u32(ServiceAttribute.NETMASK, netmask))


def _service_key(key: ServiceKey) -> list[bytes]:
    family = u16(ServiceAttribute.FAMILY, key.family)
    if isinstance(key, Mark):
        return [family, u32(ServiceAttribute.MARK, key.number)]
    return [family, u16(ServiceAttribute.PROTOCOL, socket.IPPROTO_TCP),
            attribute(ServiceAttribute.ADDRESS, _packed(key.host)), be16(ServiceAttribute.PORT, key.port)]


def _destination_address(address: Address) -> list[bytes]:
    return [u16(DestinationAttribute.FAMILY, address.family),
            attribute(DestinationAttribute.ADDRESS, _packed(address.host)),
            be16(DestinationAttribute.PORT, address.port)]


def _packed(host: str) -> bytes:
    """Write an address as the kernel's `union nf_inet_addr`, 16 bytes for either family."""
    return ipaddress.ip_address(host).packed.ljust(16, b"\0")


def _host(family: socket.AddressFamily, packed: bytes) -> str:
    return socket.inet_ntop(family, packed[:4 if family is socket.AF_INET else 16])
