"""What this machine lets the tests do, as the kernel shows it without netlink."""

from pathlib import Path

NET_ADMIN = 12


def may_administer() -> bool:
    """Whether this process has the capability NET_ADMIN."""
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> NET_ADMIN & 1)


def has_ipvs() -> bool:
    """Whether IPVS is loaded; to be asked after a preflight, which may make the kernel load it."""
    return Path("/proc/net/ip_vs").exists()
