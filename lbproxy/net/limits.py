"""Limits of the operating system: the one that lbproxy raises for itself, and those that it can only read."""

import resource

from lbproxy.net.system import System

PORT_RANGE = "net.ipv4.ip_local_port_range"
"""Valid in our network namespace, for IPv6 too (Linux, ip-sysctl)."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one, and return it. A connection takes two files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The soft limit is often 1024, for programs that use select(); epoll has no such bound.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def source_ports(system: System) -> range | None:
    """Return the source ports for connections to backends; None if the kernel doesn't say.

    Their number limits the connections per backend address and host, 28,232 by default.
    """
    try:
        low, high = map(int, (system.sysctl(PORT_RANGE) or "").split())
    except ValueError:
        return None
    return range(low, high + 1)
