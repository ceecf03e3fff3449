"""What a lab can look like: how its nodes reach each other's pods, and which CPUs carry the packets. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Overlay(StrEnum):
    """How a node reaches the pods of another: the backends of flannel that the paper compares."""

    HOST_GW = "host-gw"
    """Routes: the other node is the next hop."""
    VXLAN = "vxlan"
    """The kernel wraps Ethernet frames into UDP."""
    UDP = "udp"
    """A process of each node wraps IP packets into UDP, as flanneld did."""


HEADER_BYTES = {Overlay.HOST_GW: 0, Overlay.VXLAN: 50, Overlay.UDP: 28}
"""What each puts around an IP packet: IP 20 and UDP 8; VXLAN adds its own 8 and the Ethernet header of 14."""


def mtu(overlay: Overlay, link: int = 1500) -> int:
    """Return the largest IP packet that goes through unfragmented, over links of an MTU of `link` bytes."""
    return link - HEADER_BYTES[overlay]


class Spreading(StrEnum):
    """Which CPUs of the balancer's node process packets: RSS and RPS of the paper, as far as veth has them."""

    NONE = "none"
    """Nothing set: veth delivers on the CPU of the sender, which no network card can do."""
    ONE = "one"
    """`rps_cpus` names one CPU: what a card with one queue does; the paper's (RSS, RPS) = (off, off)."""
    ALL = "all"
    """`rps_cpus` names all CPUs of the node: the paper's (off, on)."""
    QUEUES = "queues"
    """A queue per CPU, each polled by a thread of its own: nearest to the paper's (on, off)."""


class Fabric(StrEnum):
    """What lies between the nodes."""

    SWITCHED = "switched"
    """A wire: neighbours, as on one's own switch."""
    ROUTED = "routed"
    """A gateway that knows the nodes and nothing of pods, as in some clouds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One lab. `megabits` limits the client's link in both directions; None leaves it as fast as it is."""

    overlay: Overlay = Overlay.HOST_GW
    spreading: Spreading = Spreading.ONE
    fabric: Fabric = Fabric.SWITCHED
    workers: int = 2
    pods: int = 8
    megabits: int | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Which CPUs do what. `packets` is None where nothing steers them."""

    node: frozenset[int]
    load: frozenset[int]
    packets: frozenset[int] | None

    @property
    def are_apart(self) -> bool:
        """Return whether the node's CPU time can be told from the rest: it has CPUs that nobody else uses."""
        return self.packets is not None and not self.node & self.load


def places(spreading: Spreading, available: list[int]) -> Places:
    """Divide CPUs between the balancer's node and all else; of two CPUs, a node that needs several shares both."""
    half = max(len(available) // 2, 1)
    node, load = frozenset(available[:half]), frozenset(available[half:] or available)
    if spreading in (Spreading.ALL, Spreading.QUEUES) and len(node) == 1:
        node = load = frozenset(available)
    match spreading:
        case Spreading.NONE | Spreading.QUEUES:
            return Places(node, load, None)
        case Spreading.ONE:
            return Places(node, load, frozenset(available[:1]))
        case Spreading.ALL:
            return Places(node, load, node)


def mask(cpus: frozenset[int]) -> str:
    """Return `cpus` as the kernel's files want them: hexadecimal, 32 bits between commas."""
    bits = f"{sum(1 << cpu for cpu in cpus):x}"
    groups = [bits[max(end - 8, 0):end] for end in range(len(bits), 0, -8)]
    return ",".join(reversed(groups))
