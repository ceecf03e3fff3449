"""Ports: how many connections a backend can get from one address of ours, and whether we may listen below 1024."""

from collections.abc import Iterable

from lbproxy.doctor.finding import Finding, Verdict
from lbproxy.doctor.privileges import NET_BIND_SERVICE, Capabilities
from lbproxy.doctor.system import System
from lbproxy.model.address import Address

RANGE, FIRST_FREE = "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"
ENOUGH = 28_000
"""About what Linux gives by default (32768 to 60999)."""
PRIVILEGED = 1024
"""Where ports begin that anybody may listen on, unless the kernel says otherwise."""


def local_ports(system: System) -> Finding:
    """Judge the range from which our connections to backends get their ports."""
    why = "a connection to a backend takes one; beyond that connects fail with reason ports and go elsewhere"
    try:
        low, high = map(int, (system.text(f"proc/sys/{RANGE.replace('.', '/')}") or "").split())
    except ValueError:
        return Finding("local ports", Verdict.UNKNOWN, f"{RANGE} can't be read", why)
    count = high - low + 1
    seen = f"{low} to {high}: {count:,} connections to each backend"
    if count >= ENOUGH:
        return Finding("local ports", Verdict.OK, seen, why)
    return Finding("local ports", Verdict.IMPROVABLE, seen, why,
                   f'sysctl -w {RANGE}="32768 60999"; in a pod, securityContext: {{sysctls: [{{name: {RANGE}, '
                   'value: "32768 60999"}]}')


def low_ports(system: System, sets: Capabilities, listens: Iterable[Address]) -> Finding | None:
    """Judge whether we may listen where we are to; None if nowhere below 1024."""
    low = sorted({listen.port for listen in listens if 0 < listen.port < PRIVILEGED})
    if not low:
        return None
    why = "ports below it are for root, or for NET_BIND_SERVICE"
    start = system.number(f"proc/sys/{FIRST_FREE.replace('.', '/')}")
    seen = f"{', '.join(map(str, low))} wanted; free from {PRIVILEGED if start is None else start} on"
    if low[0] >= (PRIVILEGED if start is None else start) or sets.have(NET_BIND_SERVICE):
        allowed = "; NET_BIND_SERVICE is effective" if sets.have(NET_BIND_SERVICE) else ""
        return Finding("low ports", Verdict.OK, seen + allowed, why)
    return Finding("low ports", Verdict.FATAL, seen, why,
                   f"sysctl -w {FIRST_FREE}={low[0]}; in a pod, securityContext: {{sysctls: [{{name: {FIRST_FREE}, "
                   f'value: "{low[0]}"}}]}}')
