"""The limits that the operating system sets: what lbproxy raises for itself, and what it can only read."""

import resource

from lbproxy.net.system import System

PORT_RANGE = "net.ipv4.ip_local_port_range"
"""Of our network namespace; for IPv6 too."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def source_ports(system: System) -> range | None:
    """Give the ports that a connection to a backend may come from; None if the kernel doesn't say."""
    try:
        low, high = map(int, (system.sysctl(PORT_RANGE) or "").split())
    except ValueError:
        return None
    return range(low, high + 1)
