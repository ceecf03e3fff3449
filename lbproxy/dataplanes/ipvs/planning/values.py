"""What IPVS should hold, and what it was read to hold. Frozen values, no I/O.

Names are IPVS's own: a virtual service has destinations. lbproxy makes only TCP and fwmark services, masquerading,
without persistence and flags. Whatever else the kernel holds was made by another program.
"""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.model.address import Address


class Mark(NamedTuple):
    """Names a fwmark service. The kernel keeps those of IPv4 and IPv6 apart, also where the number is the same."""

    family: socket.AddressFamily
    number: int
    """The whole mark of a packet, 1 to 0xffffffff: IPVS compares all bits and knows no mask."""

    def __str__(self) -> str:
        return f"fwmark {self.number:#x} ({'IPv6' if self.family is socket.AF_INET6 else 'IPv4'})"


ServiceKey = Address | Mark
"""Names a virtual service: TCP on an address and port, or by mark. Both have a `family`."""


class DestinationKey(NamedTuple):
    """Names one destination: a backend is a destination of every virtual service of its lbproxy service."""

    service_key: ServiceKey
    address: Address


@dataclass(frozen=True, slots=True)
class Destination:
    """A backend of one virtual service. Always in masquerade mode."""

    address: Address
    weight: int
    """0 to 100; 0 keeps connections and gets no new ones."""
    limit: int = 0
    """`u_thresh`: no new connection at so many; 0 = no limit.

    The kernel counts active and inactive connections (`ip_vs_dest_totalconns`), so those that ended up to 120 s ago
    count too: 20,000 are reached by 167 short connections a second.
    """


@dataclass(frozen=True, slots=True)
class VirtualService:
    """One virtual service as it should be: without persistence and without flags."""

    key: ServiceKey
    scheduler: str
    """As IPVS names it: `lc`, `wlc`, `rr`, `wrr`, `sh`, `mh`, `sed`, `nq`."""
    destinations: Mapping[Address, Destination]


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel has counted for one destination since it was made; see `CounterStore` for when it restarts."""

    connections: int = 0
    bytes_received: int = 0
    """From clients (the kernel's `inbytes`), headers included."""
    bytes_sent: int = 0
    """To clients (the kernel's `outbytes`), headers included."""


@dataclass(frozen=True, slots=True)
class ObservedDestination:
    """A destination as the kernel has it."""

    destination: Destination
    active: int = 0
    """Established connections."""
    inactive: int = 0
    """Connections that the kernel still remembers in any other state: connecting, ending, or ended up to 120 s ago."""
    counters: Counters = Counters()
    is_masquerading: bool = True
    """False: another program has set another forwarding method."""
    has_lower_threshold: bool = False
    """Another program has set `l_thresh`; lbproxy never does."""


@dataclass(frozen=True, slots=True)
class ObservedService:
    """A virtual service as the kernel has it, whichever program made it."""

    key: ServiceKey
    scheduler: str
    destinations: Mapping[Address, ObservedDestination] = field(default_factory=dict)
    is_plain: bool = True
    """False: it has persistence, a persistence engine or flags (the kernel's own `hashed` flag does not count)."""


def observed_destinations(services: Mapping[ServiceKey, ObservedService]
                          ) -> Iterator[tuple[DestinationKey, ObservedDestination]]:
    """Give every destination of these services with its name."""
    for key, service in services.items():
        for address, found in service.destinations.items():
            yield DestinationKey(key, address), found


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of silence after which the kernel forgets a connection, for all services of the network namespace."""

    tcp: int
    tcp_fin: int
    """After the first FIN."""
    udp: int


@dataclass(frozen=True, slots=True)
class Observed:
    """All TCP and fwmark services of this network namespace, and its timeouts."""

    services: Mapping[ServiceKey, ObservedService]
    timeouts: Timeouts


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What our nftables tables say. It is at the same time the record of which virtual services are ours.

    The record lives as long as the services themselves do: it survives a crash of lbproxy, and ends with the network
    namespace. A service is entered before it is made and removed after it is gone, so none is ever left without a
    record.
    """

    owned: frozenset[ServiceKey] = frozenset()
    """Virtual services that are ours. Connections that came in for one of these addresses, or carry one of these marks,
    are masqueraded: their source becomes an address of this host, so answers come back through it."""
    marking: Mapping[Address, int] = field(default_factory=dict)
    """The mark that packets for an address get before IPVS sees them; empty unless services go by mark."""
    is_intact: bool = True
    """False, only in what was read: the tables do not do what is said here, and must be replaced."""
