"""The addresses that this network namespace's interfaces have (rtnetlink(7), RTM_GETADDR)."""

import ipaddress
import struct
from collections.abc import Iterable, Iterator

from lbproxy.netlink.attributes import fields, number
from lbproxy.netlink.message import DUMP, NetlinkMessage
from lbproxy.netlink.netlink_channel import ROUTE, NetlinkChannel

GETADDR = 22
"""RTM_GETADDR (linux/rtnetlink.h)."""
HEADER = struct.Struct("=BBBBI")
"""`struct ifaddrmsg` (linux/if_addr.h): family, prefix length, flags, scope, interface."""
ADDRESS, LOCAL, FLAGS = 1, 2, 8
"""IFA_ADDRESS, IFA_LOCAL and IFA_FLAGS; the last has 32 bits, of which the header has only eight."""
TENTATIVE = 0x40
"""IFA_F_TENTATIVE: IPv6 still asks whether another host has the address (RFC 4862); until then nothing is answered
there."""


class InterfaceAddresses:
    """Implements `LocalAddresses` of the IPVS dataplane. Needs no privilege."""

    def __init__(self) -> None:
        self._channel = NetlinkChannel(ROUTE)

    async def read(self) -> frozenset[str]:
        """Give the addresses that clients on other hosts can reach, in canonical form; raises `KernelError`."""
        everything = NetlinkMessage(GETADDR, HEADER.pack(0, 0, 0, 0, 0), DUMP)
        return frozenset(_reachable(await self._channel.exchange("read this machine's addresses", everything)))

    async def close(self) -> None:
        """Close the socket. May be called again, and before anything was opened."""
        self._channel.close()


def _reachable(answers: Iterable[bytes]) -> Iterator[str]:
    for answer in answers:
        found = fields(answer[HEADER.size:])
        # Kernels before 3.14 have no IFA_FLAGS: then nothing is known to be tentative.
        flags = number(found.get(FLAGS, b""))
        # a point-to-point link has its own address in LOCAL and the other end's in ADDRESS
        address = ipaddress.ip_address(found.get(LOCAL) or found[ADDRESS])
        if not (flags & TENTATIVE or address.is_loopback or address.is_link_local):
            yield str(address)
