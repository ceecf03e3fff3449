"""Whether we may administer the network: the capability NET_ADMIN, and the user namespace in which it has to count."""

import errno

from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.capabilities import NET_ADMIN, Capabilities
from lbproxy.net.system import System

EVERYBODY = (0, 0, 2**32 - 1)
"""The uid_map of the initial user namespace: all users are themselves (user_namespaces(7))."""

WHY = "only NET_ADMIN may write IPVS and nftables"


def net_admin(sets: Capabilities) -> Finding:
    """Judge the capability; one that is only in the bounding set is of no use yet."""
    if sets.effective is None or sets.bounding is None:
        return Finding("capabilities", Verdict.UNKNOWN, "/proc/self/status can't be read", WHY)
    if sets.have(NET_ADMIN):
        return Finding("capabilities", Verdict.OK, "NET_ADMIN is effective", WHY)
    # The usual case of `capabilities.add` with runAsUser: Kubernetes sets no ambient capabilities (enhancements#2763).
    if sets.bounding >> NET_ADMIN & 1:
        return Finding("capabilities", Verdict.FATAL, "NET_ADMIN is allowed (bounding set) but not effective", WHY,
                       "run as user 0; in a pod securityContext: {runAsUser: 0, capabilities: {drop: [ALL], "
                       "add: [NET_ADMIN]}}, as added capabilities don't reach other users")
    return Finding("capabilities", Verdict.FATAL, "NET_ADMIN is not even in the bounding set", WHY,
                   "in a pod securityContext: {runAsUser: 0, capabilities: {drop: [ALL], add: [NET_ADMIN]}}; "
                   "with docker or podman --cap-add NET_ADMIN; or use --dataplane userspace")


def user_namespace(system: System, ipvs_answer: int) -> Finding:
    """Judge by what IPVS answered: Linux takes NET_ADMIN of another namespace since 6.9, older ones refuse it."""
    why = "before Linux 6.9, IPVS obeys NET_ADMIN of the node's own user namespace only"
    mapping = system.text("proc/self/uid_map")
    if mapping is None:
        return Finding("user namespace", Verdict.UNKNOWN, "/proc/self/uid_map can't be read", why)
    if [tuple(map(int, line.split())) for line in mapping.splitlines()] == [EVERYBODY]:
        return Finding("user namespace", Verdict.OK, "the node's own", why)
    seen = "one of its own"
    if ipvs_answer == 0:
        return Finding("user namespace", Verdict.OK, f"{seen}, which this kernel's IPVS accepts", why)
    if ipvs_answer == errno.EPERM:
        return Finding("user namespace", Verdict.FATAL, f"{seen}, in which IPVS refuses us", why,
                       "in the pod's spec hostUsers: true; outside Kubernetes, a rootful container")
    return Finding("user namespace", Verdict.UNKNOWN, f"{seen}; IPVS didn't say whether it minds", why,
                   "if IPVS refuses us later: in the pod's spec hostUsers: true")
