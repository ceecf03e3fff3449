"""The network interfaces that are up, as /sys shows them to this network namespace."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lbproxy.net.system import System

NET = "sys/class/net"
ETHERNET, TUNNEL, NO_HEADER, LOOPBACK = 1, 768, 65534, 772
"""ARPHRD_* of <linux/if_arp.h>, as in `type`."""


COLUMNS = 10
"""At least so many has a line of either table of routes."""


class InterfaceKind(StrEnum):
    """What an interface is."""

    CARD = "network card"
    LOOPBACK = "loopback"
    PEER = "veth"
    TUNNEL = "IP in IP tunnel"
    TUN = "tun"
    VXLAN = "vxlan"
    WIREGUARD = "wireguard"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface; `masks` are the CPUs of RPS of each receive queue as the kernel writes them, None without RPS."""

    name: str
    kind: InterfaceKind
    mtu: int
    masks: tuple[str | None, ...]

    @property
    def queues(self) -> int:
        """How many receive queues it has, at least 1."""
        return max(1, len(self.masks))


def interfaces(system: System) -> tuple[Interface, ...]:
    """Read those that are up (`unknown` is up too: what has no carrier to lose)."""
    return tuple(_interface(system, name) for name in system.names(NET)
                 if system.text(f"{NET}/{name}/operstate") in {"up", "unknown"})


def default_interfaces(system: System) -> list[str]:
    """Give the names of those that have a default route, IPv4 before IPv6."""
    # Columns 1 and 7 are destination and mask: both 0 is the default route (a route to 0.0.0.0 alone has another mask).
    ipv4 = (fields[0] for fields in _rows(system, "route") if (fields[1], fields[7]) == ("00000000", "00000000"))
    ipv6 = (fields[9] for fields in _rows(system, "ipv6_route") if (fields[0], fields[1]) == ("0" * 32, "00"))
    return [name for name in dict.fromkeys((*ipv4, *ipv6)) if name != "lo"]  # the kernel's own on lo reject


def _rows(system: System, table: str) -> Iterator[list[str]]:
    lines = (system.text(f"proc/net/{table}") or "").splitlines()
    return (fields for fields in map(str.split, lines) if len(fields) >= COLUMNS)


def _interface(system: System, name: str) -> Interface:
    queues = [queue for queue in system.names(f"{NET}/{name}/queues") if re.fullmatch("rx-[0-9]+", queue)]
    masks = tuple(system.text(f"{NET}/{name}/queues/{queue}/rps_cpus") for queue in queues)
    return Interface(name, _kind(system, name), system.number(f"{NET}/{name}/mtu") or 0, masks)


def _kind(system: System, name: str) -> InterfaceKind:
    place = f"{NET}/{name}"
    types = {LOOPBACK: InterfaceKind.LOOPBACK, TUNNEL: InterfaceKind.TUNNEL}
    words = {"vxlan": InterfaceKind.VXLAN, "wireguard": InterfaceKind.WIREGUARD}
    device_type = re.search(r"^DEVTYPE=(\w+)$", system.text(f"{place}/uevent") or "", re.MULTILINE)
    if (kind := types.get(system.number(f"{place}/type") or 0)) or (
            device_type and (kind := words.get(device_type[1]))):
        return kind
    if system.exists(f"{place}/tun_flags"):
        return InterfaceKind.TUN
    # `device` leads to the hardware (or virtio); software interfaces have none.
    if system.exists(f"{place}/device"):
        return InterfaceKind.CARD
    # A veth names the index of its other end in `iflink`; what stands alone names itself.
    is_peer = not device_type and system.text(f"{place}/iflink") != system.text(f"{place}/ifindex")
    return InterfaceKind.PEER if is_peer else InterfaceKind.VIRTUAL
