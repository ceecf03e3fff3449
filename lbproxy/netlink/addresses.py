"""The addresses that this network namespace's interfaces have (rtnetlink(7))."""

import ipaddress
import struct
from collections.abc import Iterable, Iterator

from lbproxy.netlink.attributes import fields, number
from lbproxy.netlink.channel import DUMP, ROUTE, NetlinkChannel, NetlinkMessage

GETADDR = 22
HEADER = struct.Struct("=BBBBI")
"""Family, prefix length, flags, scope, interface (`ifaddrmsg`)."""
ADDRESS, LOCAL, FLAGS = 1, 2, 8
TENTATIVE = 0x40
"""Flag: IPv6 still asks whether somebody else has it; until then nobody is answered there."""


class InterfaceAddresses:
    """Implements `LocalAddresses`."""

    def __init__(self) -> None:
        self._channel = NetlinkChannel(ROUTE)

    async def read(self) -> frozenset[str]:
        """See `LocalAddresses`."""
        everything = NetlinkMessage(GETADDR, HEADER.pack(0, 0, 0, 0, 0), DUMP)
        return frozenset(_reachable(await self._channel.exchange("read this machine's addresses", everything)))

    async def close(self) -> None:
        """See `LocalAddresses`."""
        self._channel.close()


def _reachable(answers: Iterable[bytes]) -> Iterator[str]:
    for answer in answers:
        found = fields(answer[HEADER.size:])
        flags = number(found.get(FLAGS, b""))
        # a point-to-point link has its own address in LOCAL and the other end's in ADDRESS
        address = ipaddress.ip_address(found.get(LOCAL) or found[ADDRESS])
        if not (flags & TENTATIVE or address.is_loopback or address.is_link_local):
            yield str(address)
