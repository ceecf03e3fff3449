"""The sysctls that IPVS needs: their values, and whether lbproxy could set those that are wrong.

Which and why: Linux' Documentation/networking/ipvs-sysctl.rst; kubernetes/kubernetes#71358 and #71809.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lbproxy.doctor.finding import Finding, Verdict
from lbproxy.doctor.system import System

IPVS = "net.ipv4.vs."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sysctl that has to be 1."""

    name: str
    why: str


SWITCHES = (
    Wanted(f"{IPVS}conntrack", "without it nothing is masqueraded, and clients are answered by strangers"),
    Wanted(f"{IPVS}expire_nodest_conn", "without it packets for a backend that is gone vanish silently"),
    Wanted(f"{IPVS}expire_quiescent_template", "without it affinity sends new connections to draining backends"),
)
FORWARDING = Wanted("net.ipv4.ip_forward", "the kernel passes packets on only if it forwards")
FORWARDING_V6 = Wanted("net.ipv6.conf.all.forwarding", "the kernel passes IPv6 packets on only if it forwards")


def path_of(name: str) -> str:
    """Give where a sysctl lies."""
    return f"proc/sys/{name.replace('.', '/')}"


def switches(system: System, *, has_ipv6: bool, has_ipvs: bool) -> Iterator[Finding]:
    """Judge them all; IPv6 is passed on only if something listens there."""
    if any(system.exists(path_of(wanted.name)) for wanted in SWITCHES):  # a namespace may see an empty directory
        yield from (switch(system, wanted) for wanted in SWITCHES)
    else:
        yield _hidden() if has_ipvs else _not_yet()
    for wanted in (FORWARDING, *((FORWARDING_V6,) if has_ipv6 else ())):
        yield switch(system, wanted)


def switch(system: System, wanted: Wanted) -> Finding:
    """Judge one: it is 1, or can be made 1 when lbproxy starts, or somebody else has to."""
    path = path_of(wanted.name)
    value = system.number(path)
    if value == 1:
        return Finding(wanted.name, Verdict.OK, "1", wanted.why)
    if value is None:
        return Finding(wanted.name, Verdict.FATAL, "it isn't there", wanted.why, _absent(wanted.name))
    if system.is_writable(path):
        return Finding(wanted.name, Verdict.OK, f"{value}; lbproxy can set it to 1 at its start", wanted.why)
    obstacle = "/proc/sys is read-only" if system.is_read_only(path) else "we may not write it"
    return Finding(wanted.name, Verdict.FATAL, f"{value}, and {obstacle}", wanted.why,
                   f"sysctl -w {wanted.name}=1; in a pod, a privileged init container with that command, as in "
                   "deploy/ipvs/privileges.yaml")


def _absent(name: str) -> str:
    if name == FORWARDING_V6.name:
        return "boot the node without ipv6.disable=1, or listen on IPv4 only"
    return "use a kernel that has it; for conntrack, one with CONFIG_IP_VS_NFCT"


def _hidden() -> Finding:
    return Finding(f"{IPVS}*", Verdict.FATAL, "hidden from us, though IPVS answers", SWITCHES[0].why,
                   "in the pod's spec hostUsers: true; outside Kubernetes, a rootful container")


def _not_yet() -> Finding:
    return Finding(f"{IPVS}*", Verdict.UNKNOWN, "not to be seen, as IPVS doesn't answer", SWITCHES[0].why)
