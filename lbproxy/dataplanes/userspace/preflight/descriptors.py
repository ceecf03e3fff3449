"""File descriptors: each relayed connection takes two. lbproxy raises the soft limit to the hard one itself."""

import re

from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.system import System

PER_CONNECTION = 2
ENOUGH = 65_536
"""More connections in one worker than the ports of one backend allow."""
WHY = "a connection takes two; near the limit, accepting pauses"


def descriptors(system: System) -> Finding:
    """Judge the hard limit."""
    found = re.search(r"^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)", system.text("proc/self/limits") or "",
                      re.MULTILINE)
    if not found:
        return Finding("descriptors", Verdict.UNKNOWN, "/proc/self/limits can't be read", WHY)
    soft, hard = found.groups()
    seen = f"soft {soft}, hard {hard}"
    if hard == "unlimited" or int(hard) >= ENOUGH:
        return Finding("descriptors", Verdict.OK, seen, WHY)
    return Finding("descriptors", Verdict.IMPROVABLE,
                   f"{seen}: at most {int(hard) // PER_CONNECTION:,} connections per worker", WHY,
                   "in a systemd unit LimitNOFILE=1048576; with docker or podman --ulimit nofile=1048576; in "
                   "Kubernetes, the limit of the node's container runtime")
