"""Connection tracking: how many connections the node follows, and how full that table is. Read, never written.

`nf_conntrack_max` can look writable in a pod, but is the node's.
"""

from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.system import System

DIRECTORY = "proc/sys/net/netfilter"
# Below full, so that there is time to act.
FULL = 0.8
ENOUGH = 65_536
"""As many as one backend can have with masquerading: a port each."""
WHY = "when the table is full, new connections are dropped silently"


def conntrack(system: System, *, is_needed: bool) -> Finding:
    """Judge its size, if it is needed, and its use in this network namespace."""
    limit = system.number(f"{DIRECTORY}/nf_conntrack_max")
    used = system.number(f"{DIRECTORY}/nf_conntrack_count")
    if limit is None or used is None:
        seen = "not loaded yet; the first rule loads it" if is_needed else "not loaded, and not needed"
        return Finding("conntrack", Verdict.OK, seen, WHY)
    seen = f"{used:,} of {limit:,} connections"
    if used >= FULL * limit:
        return Finding("conntrack", Verdict.IMPROVABLE, f"{seen}: nearly full", WHY, _larger(4 * limit))
    if is_needed and limit < ENOUGH:
        return Finding("conntrack", Verdict.IMPROVABLE, f"{seen}: fewer than one backend alone can have", WHY,
                       _larger(4 * ENOUGH))
    return Finding("conntrack", Verdict.OK, seen, WHY)


def _larger(size: int) -> str:
    return f"on the node, not in a pod: sysctl -w net.netfilter.nf_conntrack_max={size}"
