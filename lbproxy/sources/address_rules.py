"""Which addresses from outside may be backends. Pure."""

import ipaddress


def is_connectable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it names one host that is reached by its address alone. Loopback does: tests and plain hosts need it.

    Link-local is refused since it means another host on each interface, and since cloud metadata is there.
    """
    return not (address.is_link_local or address.is_multicast or address.is_unspecified)
