"""The words of IPVS planning: what should be in the kernel, what is, and the steps between. Frozen values, no I/O.

Names are IPVS's own. Only TCP and masquerading are ours; whatever else the kernel holds is somebody else's.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.model.address import Address


class Mark(NamedTuple):
    """Names a fwmark service; the kernel keeps those of IPv4 and IPv6 apart."""

    family: socket.AddressFamily
    number: int
    """The whole mark of a packet, 1 to 0xffffffff: IPVS compares all bits and knows no mask."""

    def __str__(self) -> str:
        return f"fwmark {self.number:#x} ({'IPv6' if self.family is socket.AF_INET6 else 'IPv4'})"


Key = Address | Mark
"""Names a virtual service: TCP on an address and port, or by mark. Both have a `family`."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A backend of one virtual service. Always in masquerade mode."""

    address: Address
    weight: int
    """0 to 100; 0 keeps connections and gets no new ones."""
    limit: int = 0
    """`u_thresh`: no new connection at so many, active and inactive together; 0 = no limit."""


@dataclass(frozen=True, slots=True)
class VirtualService:
    """One virtual service as it should be: without persistence and without flags."""

    key: Key
    scheduler: str
    """As IPVS names it: `lc`, `wlc`, `rr`, `wrr`, `sh`, `mh`, `sed`, `nq`."""
    destinations: Mapping[Address, Destination]


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel has counted; it starts again at 0 when the entry is made anew."""

    connections: int = 0
    bytes_received: int = 0
    """From clients (the kernel's `inbytes`)."""
    bytes_sent: int = 0
    """To clients (the kernel's `outbytes`)."""


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
    """False: somebody has given it another way of forwarding."""
    has_foreign_limit: bool = False
    """Somebody has set a lower threshold (`l_thresh`)."""


@dataclass(frozen=True, slots=True)
class ObservedService:
    """A virtual service as the kernel has it, anybody's."""

    key: Key
    scheduler: str
    destinations: Mapping[Address, ObservedDestination] = field(default_factory=dict)
    is_plain: bool = True
    """False: it has persistence, a persistence engine or flags (the kernel's own `hashed` flag is none)."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """After so many seconds of silence the kernel forgets a connection. For the whole network namespace."""

    tcp: int
    tcp_fin: int
    udp: int


@dataclass(frozen=True, slots=True)
class Observed:
    """All TCP and fwmark services of this network namespace, and its timeouts."""

    services: Mapping[Key, ObservedService]
    timeouts: Timeouts


@dataclass(frozen=True, slots=True)
class AddService:
    """Make a virtual service without destinations."""

    key: Key
    scheduler: str


@dataclass(frozen=True, slots=True)
class SetService:
    """Give it this scheduler, and take away persistence and flags. Destinations and counters stay."""

    key: Key
    scheduler: str


@dataclass(frozen=True, slots=True)
class DeleteService:
    """Remove it with its destinations."""

    key: Key


@dataclass(frozen=True, slots=True)
class AddDestination:
    """Add a destination, masquerading."""

    key: Key
    destination: Destination


@dataclass(frozen=True, slots=True)
class SetDestination:
    """Give it this weight and limit, masquerading and no lower threshold. Connections and counters stay."""

    key: Key
    destination: Destination


@dataclass(frozen=True, slots=True)
class DeleteDestination:
    """Remove a destination: its connections are lost, and its clients are told as soon as they send."""

    key: Key
    address: Address


@dataclass(frozen=True, slots=True)
class SetTimeouts:
    """Set how long silent connections are remembered; 0 leaves one as it is."""

    timeouts: Timeouts


Op = AddService | SetService | DeleteService | AddDestination | SetDestination | DeleteDestination | SetTimeouts


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What our nftables tables say; at the same time the record of which virtual services are ours.

    The record lives as long as the services themselves do: it survives a crash of ours, and ends with the network
    namespace. A service is entered before it is made and struck out after it is gone, so that none is ever orphaned.
    """

    owned: frozenset[Key] = frozenset()
    """Virtual services that are ours. Of a connection that came in for one of these addresses, or carries one of
    these marks, the source becomes an address of this host (masquerade), so that answers come back through it."""
    marking: Mapping[Address, int] = field(default_factory=dict)
    """The mark that packets for an address get before IPVS sees them; empty unless services go by mark."""
    is_intact: bool = True
    """False, of what was read: the tables do not do what is said here, and must be replaced."""
