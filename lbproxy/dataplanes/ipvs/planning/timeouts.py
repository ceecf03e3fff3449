"""What options of lbproxy become in IPVS. Pure."""

import math

from lbproxy.model.snapshot import Snapshot

LONGEST = 2_147_483
"""Seconds: the most that every kernel takes, which counts in jiffies of at least a millisecond."""
DEFAULT = 900
"""The kernel's own, where no service says otherwise."""


def tcp_timeout(snapshot: Snapshot) -> int:
    """Seconds of silence after which a connection is forgotten: the longest that any service asks for.

    The kernel has one timeout for all services of a network namespace. An idle timeout of 0 is the longest possible.
    """
    timeouts = [service.policy.idle_timeout or LONGEST for service in snapshot.services.values()]
    return min(max(1, math.ceil(max(timeouts))), LONGEST) if timeouts else DEFAULT
