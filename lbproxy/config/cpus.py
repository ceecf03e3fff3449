"""How many CPUs this process may really use: its affinity, and the CPU quota of its cgroup, v2 or v1.

A container limited to two CPUs on a machine of 64 must not start 64 workers.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import ceil, inf
from pathlib import Path, PurePosixPath

_V2_MOUNTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
_V1_MOUNTS = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct")


def usable_cpus(root: Path = Path("/"), at_most: int = 256) -> int:
    """Count the CPUs, a quota of 1.5 as 2; at least 1. `root` holds `proc` and `sys`."""
    return max(1, ceil(min(len(os.sched_getaffinity(0)), cpu_quota(root), at_most)))


def cpu_quota(root: Path = Path("/")) -> float:
    """Give the tightest quota of this process's group and of those around it, in CPUs; none is infinity."""
    v2 = _quotas(root, _V2_MOUNTS, _group(root, ""), _v2_quota)
    v1 = _quotas(root, _V1_MOUNTS, _group(root, "cpu"), _v1_quota)
    return min((*v2, *v1), default=inf)


def _group(root: Path, controller: str) -> PurePosixPath:
    """Give this process's group in the hierarchy of a v1 controller, or in v2's, which names none."""
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if controller in controllers.split(","):
                return PurePosixPath(group)
    return PurePosixPath("/")


def _quotas(root: Path, mounts: tuple[str, ...], group: PurePosixPath,
            read: Callable[[Path], float]) -> Iterator[float]:
    """Read every level: an outer group limits too, and in a container only the mount's root may be there."""
    for mount in mounts:
        directory = root / mount
        for part in ("", *group.parts[1:]):
            directory /= part
            with suppress(OSError, ValueError, ZeroDivisionError):
                yield read(directory)


def _v2_quota(directory: Path) -> float:
    quota, period = (directory / "cpu.max").read_text().split()
    return inf if quota == "max" else int(quota) / int(period)


def _v1_quota(directory: Path) -> float:
    quota = int((directory / "cpu.cfs_quota_us").read_text())
    return inf if quota < 0 else quota / int((directory / "cpu.cfs_period_us").read_text())
