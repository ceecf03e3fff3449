"""`conn_reuse_mode`, whose right value depends on the kernel.

The trade-off: kubernetes/kubernetes#70747. kube-proxy decides by the same versions.
"""

import re

from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.system import System, sysctl_path

NAME = "net.ipv4.vs.conn_reuse_mode"
# kube-proxy skips it below 4.1, sets 0 below 5.9, and leaves it as it is from 5.9 on.
APPEARED, MENDED = (4, 1), (5, 9)
WHY = "decides what becomes of a client that uses a port again while its old connection is still remembered"

Version = tuple[int, int]


def kernel_version(system: System) -> Version | None:
    """Read the first two numbers of the release."""
    found = re.match(r"(\d+)\.(\d+)", system.text("proc/sys/kernel/osrelease") or "")
    return (int(found[1]), int(found[2])) if found else None


def reuse_mode(system: System) -> Finding:
    """Judge the value together with the kernel."""
    version, mode = kernel_version(system), system.number(sysctl_path(NAME))
    if version is None:
        return Finding(NAME, Verdict.UNKNOWN, "the kernel's version can't be read", WHY)
    linux = f"Linux {version[0]}.{version[1]}"
    if version < APPEARED:
        return Finding(NAME, Verdict.IMPROVABLE, f"{linux} doesn't have it: such a client may wait a second", WHY,
                       "use Linux 5.9 or newer")
    if version < MENDED:
        return _before_mended(f"{linux}, {NAME.rpartition('.')[2]}={'?' if mode is None else mode}", mode)
    if mode == 0:
        return Finding(NAME, Verdict.IMPROVABLE, f"0: on {linux} such a client is pinned to its old backend", WHY,
                       f"sysctl -w {NAME}=1")
    return Finding(NAME, Verdict.OK, f"{linux} needs no choice here", WHY)


def _before_mended(seen: str, mode: int | None) -> Finding:
    if mode == 0:
        return Finding(NAME, Verdict.IMPROVABLE, f"{seen}: such a client is pinned to its old backend, even a draining "
                       "one", WHY, "use Linux 5.9 or newer")
    return Finding(NAME, Verdict.IMPROVABLE, f"{seen}: such a client loses its first packet and waits a second", WHY,
                   f"use Linux 5.9 or newer, or sysctl -w {NAME}=0, which pins such clients to their old backend")
