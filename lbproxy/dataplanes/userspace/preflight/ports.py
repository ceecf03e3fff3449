"""Ports: how many connections a backend can get from one address of ours, and whether we may listen below 1024."""

from collections.abc import Iterable

from lbproxy.model.address import Address
from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.capabilities import NET_BIND_SERVICE, Capabilities
from lbproxy.net.limits import PORT_RANGE, source_ports
from lbproxy.net.system import System, sysctl_path

FIRST_FREE = "net.ipv4.ip_unprivileged_port_start"
ENOUGH = 28_000
"""About what Linux gives by default (32768 to 60999)."""
PRIVILEGED = 1024
"""Where ports begin that anybody may listen on, unless the kernel says otherwise."""


def local_ports(system: System) -> Finding:
    """Judge the range from which our connections to backends get their ports."""
    why = "a connection to a backend takes one; beyond that connects fail with reason ports and go elsewhere"
    ports = source_ports(system)
    if ports is None:
        return Finding("local ports", Verdict.UNKNOWN, f"{PORT_RANGE} can't be read", why)
    seen = f"{ports.start} to {ports.stop - 1}: {len(ports):,} connections to each backend"
    if len(ports) >= ENOUGH:
        return Finding("local ports", Verdict.OK, seen, why)
    return Finding("local ports", Verdict.IMPROVABLE, seen, why,
                   f'sysctl -w {PORT_RANGE}="32768 60999"; in a pod, securityContext: '
                   f'{{sysctls: [{{name: {PORT_RANGE}, value: "32768 60999"}}]}}')


def low_ports(system: System, sets: Capabilities, listens: Iterable[Address]) -> Finding | None:
    """Judge whether we may listen where we are to; None if nowhere below 1024."""
    low = sorted({listen.port for listen in listens if 0 < listen.port < PRIVILEGED})
    if not low:
        return None
    why = "ports below it are for root, or for NET_BIND_SERVICE"
    start = system.number(sysctl_path(FIRST_FREE))
    seen = f"{', '.join(map(str, low))} wanted; free from {PRIVILEGED if start is None else start} on"
    if low[0] >= (PRIVILEGED if start is None else start) or sets.have(NET_BIND_SERVICE):
        allowed = "; NET_BIND_SERVICE is effective" if sets.have(NET_BIND_SERVICE) else ""
        return Finding("low ports", Verdict.OK, seen + allowed, why)
    if sets.effective is None:
        return Finding("low ports", Verdict.UNKNOWN, f"{seen}; whether we have NET_BIND_SERVICE can't be read", why)
    return Finding("low ports", Verdict.FATAL, seen, why,
                   f"sysctl -w {FIRST_FREE}={low[0]}; in a pod, securityContext: {{sysctls: [{{name: {FIRST_FREE}, "
                   f'value: "{low[0]}"}}]}}')
