"""Which addresses IPVS can't join, because the kernel keeps loopback addresses inside the machine. Pure."""

from collections.abc import Iterable

from lbproxy.model.address import Address


def loopback_conflict(listen: Address, backends: Iterable[Address]) -> str | None:
    """Say why connections from `listen` can't be passed to one of these, and what to write; None if they can.

    One end is on loopback and the other is not: Linux sends no packet from a loopback address out of the machine
    (`crosses_local_route_boundary` in net/netfilter/ipvs/ip_vs_xmit.c), and lets none from outside reach one.
    """
    for backend in backends:
        if backend.family == listen.family and backend.is_loopback != listen.is_loopback:
            return (f"{listen} can't lead to {backend} in IPVS: loopback addresses neither leave nor enter a machine; "
                    "write the address of an interface, or --dataplane=userspace")
    return None
