"""The interface towards everybody else, usually a pod's `eth0`: its MTU, and which overlay that betrays.

Inside a pod there is only a veth; the overlay is on the node. What it takes from each packet shows in the MTU.
"""

from collections.abc import Iterable, Iterator, Sequence

from lbproxy.doctor.interfaces import Interface, InterfaceKind
from lbproxy.model.finding import Finding, Verdict

UNDERLAYS = (1500, 9000, 9001)
"""What networks of nodes carry: Ethernet, jumbo frames, and those of a large cloud."""
OVERHEADS = {20: "ipip", 28: "udp", 50: "vxlan", 60: "wireguard", 70: "vxlan over IPv6", 80: "wireguard"}
"""Bytes that each takes from a packet; flannel's `udp` is a process that copies every packet through a tun."""
SMALLEST = 1280
"""Below it there is no IPv6 (RFC 8200, 5)."""
WHY = "an overlay wraps each packet: bytes, and CPU time; in the kernel little, in a process a lot"

SMALL = "IPv6 needs 1280, and a small packet costs as much as a large one"


def uplinks(found: Iterable[Interface], defaults: Sequence[str]) -> Iterator[Finding]:
    """Judge those that have a default route."""
    interfaces = {interface.name: interface for interface in found}
    judged = [_uplink(interfaces[name]) for name in defaults if name in interfaces]
    yield from judged or [Finding("uplink", Verdict.OK, "no default route: nobody but neighbours", WHY)]


def _uplink(interface: Interface) -> Finding:
    name, overlay = f"mtu of {interface.name}", guess(interface)
    seen = f"{interface.mtu} on {_article(interface.kind)}, {overlay}"
    if interface.mtu < SMALLEST:
        return Finding(name, Verdict.IMPROVABLE, seen, SMALL,
                       f"ip link set dev {interface.name} mtu 1500, or what the network carries less the overlay")
    # Only flannel's `udp` is worth a change: the others take some bytes, and no process copies packets for them.
    if overlay.startswith("udp"):
        return Finding(name, Verdict.IMPROVABLE, seen, WHY,
                       "in flannel's net-conf.json: Backend: {Type: host-gw} where nodes share a network, else vxlan")
    return Finding(name, Verdict.OK, seen, WHY)


def guess(interface: Interface) -> str:
    """Say which overlay an interface is or lies in."""
    match interface.kind:
        case InterfaceKind.VXLAN | InterfaceKind.TUNNEL | InterfaceKind.WIREGUARD:
            return "which is an overlay in the kernel"
        case InterfaceKind.TUN:
            return "udp: a process copies every packet"
    # A guess, as the overlay itself is on the node: so the finding says "presumably".
    for underlay in UNDERLAYS:
        if overlay := OVERHEADS.get(underlay - interface.mtu):
            return f"{overlay} presumably ({underlay} less {underlay - interface.mtu})"
    return "no overlay" if interface.mtu in UNDERLAYS else "no overlay that we know"


def _article(kind: InterfaceKind) -> str:
    return f"an {kind}" if kind[0] in "aeiouAEIOU" else f"a {kind}"
