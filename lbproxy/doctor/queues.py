"""Which CPUs receive packets: by the card's queues (RSS), or by the kernel's masks (RPS).

Spreading them made the largest difference in the measurements of Takahashi et al. (HPC Asia 2018): with one CPU
receiving, it is full long before the others, whichever load balancer runs. How: Linux' networking/scaling.rst.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lbproxy.doctor.interfaces import NET, Interface, InterfaceKind
from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.system import System

WHY = "when one CPU receives everything, it is the limit, whatever the others could do"
CPU = "sys/devices/system/cpu"
GROUP = 32
"""Bits between two commas of a mask."""
SHOWN = 3
"""Names of virtual interfaces that are written out."""


@dataclass(frozen=True, slots=True)
class Cpus:
    """Those that the machine runs on (not only our cgroup), and on how many cores they are.

    One receiving CPU per core is enough: hyper-threading has shown no benefit there (networking/scaling.rst).
    """

    online: frozenset[int]
    cores: int


def cpus(system: System) -> Cpus:
    """Read them; without a topology, each CPU counts as a core."""
    online = _span(system.text(f"{CPU}/online") or "")
    # Hyper-threads of one core have the same list, so the number of different lists is that of cores.
    siblings = {system.text(f"{CPU}/cpu{cpu}/topology/thread_siblings_list") or str(cpu) for cpu in online}
    return Cpus(online, len(siblings))


def _span(text: str) -> frozenset[int]:
    """Read `0-3,8`."""
    spans = [part.partition("-") for part in text.split(",") if part]
    return frozenset(cpu for first, _, last in spans for cpu in range(int(first), int(last or first) + 1))


def mask_of(cpus: Iterable[int]) -> str:
    """Write CPUs as the kernel does: hexadecimal, a comma after each 32."""
    bits = sum(1 << cpu for cpu in set(cpus))
    groups: list[int] = []
    while bits or not groups:
        bits, group = divmod(bits, 1 << GROUP)
        groups.insert(0, group)
    return ",".join([f"{groups[0]:x}", *(f"{group:08x}" for group in groups[1:])])


def cpus_of(mask: str | None) -> frozenset[int]:
    """Read what `mask_of` writes; None is no CPU."""
    bits = int((mask or "0").replace(",", ""), 16)
    return frozenset(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)


def spreading(found: Iterable[Interface], machine: Cpus) -> Iterator[Finding]:
    """Judge each card; explain the others, of which a node may have hundreds, in one line."""
    interfaces = tuple(found)
    cards = [interface for interface in interfaces if interface.kind is InterfaceKind.CARD]
    yield from (_of_card(card, machine) for card in cards)
    yield from (_of_loopback(interface) for interface in interfaces if interface.kind is InterfaceKind.LOOPBACK)
    if others := [each.name for each in interfaces if each.kind not in {InterfaceKind.CARD, InterfaceKind.LOOPBACK}]:
        yield _of_virtual(others, has_card=bool(cards))


def _of_loopback(interface: Interface) -> Finding:
    seen = "loopback: a packet is received on the CPU that sends it; nothing to spread"
    return Finding(_name(interface.name), Verdict.OK, seen, WHY)


def _of_virtual(names: list[str], *, has_card: bool) -> Finding:
    shown, hidden = names[:SHOWN], len(names) - SHOWN
    name = ", ".join(shown) + (f" and {hidden} more" if hidden > 0 else "")
    seen = "virtual: packets stay on the CPU where the network card brought them"
    return Finding(_name(name), Verdict.OK, seen if has_card else f"{seen}; run lbproxy doctor on the node, too", WHY)


def _of_card(interface: Interface, machine: Cpus) -> Finding:
    # Only those that are online: a mask may name CPUs that this machine does not have.
    steered = frozenset[int]().union(*map(cpus_of, interface.masks)) & machine.online
    seen = (f"{_count(interface.queues, 'receive queue')} (RSS), RPS {_rps(interface, steered)}, "
            f"{_count(len(machine.online), 'CPU')} on {_count(machine.cores, 'core')}")
    if not machine.online:
        return Finding(_name(interface.name), Verdict.UNKNOWN, f"{seen}: the CPUs can't be counted", WHY)
    # The larger of both, not their sum: RPS steers packets that a queue has brought already.
    if max(interface.queues, len(steered)) >= machine.cores:
        return Finding(_name(interface.name), Verdict.OK, seen, WHY)
    return Finding(_name(interface.name), Verdict.IMPROVABLE, seen, WHY, _fix(interface, machine.online))


def _fix(interface: Interface, online: frozenset[int]) -> str:
    more = f"ethtool -L {interface.name} combined {len(online)}"
    if None in interface.masks or not interface.masks:
        return f"{more} (if the card can), as this kernel has no RPS"
    place = f"/{NET}/{interface.name}/queues"
    if interface.queues == 1:
        return f"echo {mask_of(online)} >{place}/rx-0/rps_cpus"
    return f"for queue in {place}/rx-*; do echo {mask_of(online)} >$queue/rps_cpus; done"


def _rps(interface: Interface, steered: frozenset[int]) -> str:
    if None in interface.masks or not interface.masks:
        return "not in this kernel"
    return f"to {_count(len(steered), 'CPU')}" if steered else "off"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _name(name: str) -> str:
    return f"packets of {name}"
