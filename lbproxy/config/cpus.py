"""How many CPUs this process may use: its affinity, and the CPU quota of its cgroup (v2 or v1).

A container that is limited to two CPUs on a machine of 64 must not start 64 workers: they would share a quota of two,
and each would be stopped for most of every period.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import ceil, inf
from pathlib import Path, PurePosixPath

_V2_MOUNTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
_V1_MOUNTS = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct")


def usable_cpus(root: Path = Path("/"), at_most: int = 256) -> int:
    """Return the number of CPUs, from 1 to `at_most`; a quota of 1.5 counts as 2. `root` holds `proc` and `sys`."""
    # Not os.cpu_count(), which counts the CPUs of the machine.
    return max(1, ceil(min(len(os.sched_getaffinity(0)), cpu_quota(root), at_most)))


def cpu_quota(root: Path = Path("/")) -> float:
    """Return the lowest quota of this process's group and the groups around it, in CPUs; infinity if there is none."""
    v2 = _quotas(root, _V2_MOUNTS, _group(root, ""), _v2_quota)
    # Both: in hybrid set-ups v2 is mounted without controllers, and v1 has the quota.
    v1 = _quotas(root, _V1_MOUNTS, _group(root, "cpu"), _v1_quota)
    return min((*v2, *v1), default=inf)


def _group(root: Path, controller: str) -> PurePosixPath:
    """Return this process's group in the hierarchy of a v1 controller; in that of v2 if `controller` is empty."""
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if controller in controllers.split(","):
                return PurePosixPath(group)
    return PurePosixPath("/")


def _quotas(root: Path, mounts: tuple[str, ...], group: PurePosixPath,
            read: Callable[[Path], float]) -> Iterator[float]:
    """Read every level: an outer group limits too, and in a container only the root of the mount may be visible."""
    for mount in mounts:
        directory = root / mount
        for part in ("", *group.parts[1:]):
            directory /= part
            # A file that is missing or odd is no quota: at worst there are more workers than the quota feeds.
            with suppress(OSError, ValueError, ZeroDivisionError):
                yield read(directory)


def _v2_quota(directory: Path) -> float:
    quota, period = (directory / "cpu.max").read_text().split()
    return inf if quota == "max" else int(quota) / int(period)


def _v1_quota(directory: Path) -> float:
    quota = int((directory / "cpu.cfs_quota_us").read_text())
    # -1 means no quota.
    return inf if quota < 0 else quota / int((directory / "cpu.cfs_period_us").read_text())
