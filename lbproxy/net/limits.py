"""The limits that the operating system sets: what lbproxy raises for itself, and what it can only read."""

import resource
from pathlib import Path

PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Of our network namespace; for IPv6 too."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def source_ports() -> int | None:
    """How many ports a connection to a backend may come from; None if the kernel doesn't say."""
    try:
        low, high = map(int, PORT_RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return None
    return high - low + 1
