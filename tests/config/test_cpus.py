import os
from collections.abc import Mapping
from math import inf
from pathlib import Path

import pytest

from lbproxy.config.cpus import cpu_quota, usable_cpus

V2, V1, V1_BOTH = "sys/fs/cgroup", "sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"


def machine(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(("files", "quota"), [
    pytest.param({}, inf, id="no-cgroup-at-all"),
    pytest.param({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "max 100000\n"}, inf, id="v2-no-limit"),
    pytest.param({"proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "150000 100000\n"}, 1.5, id="v2-in-container"),
    pytest.param({f"{V2}/cpu.max": "300000 100000\n"}, 3.0, id="v2-proc-unreadable"),
    pytest.param({"proc/self/cgroup": "0::/a/b\n", f"{V2}/a/cpu.max": "200000 100000\n",
                  f"{V2}/a/b/cpu.max": "max 100000\n"}, 2.0, id="v2-outer-group-limits"),
    pytest.param({"proc/self/cgroup": "0::/a/b\n", f"{V2}/a/cpu.max": "200000 100000\n",
                  f"{V2}/a/b/cpu.max": "50000 100000\n"}, 0.5, id="v2-inner-group-limits"),
    pytest.param({"proc/self/cgroup": "0::/a:b\n", f"{V2}/a:b/cpu.max": "100000 100000\n"}, 1.0, id="v2-colon"),
    pytest.param({"proc/self/cgroup": "0::/a\n", f"{V2}/other/cpu.max": "100000 100000\n"}, inf,
                 id="v2-not-our-group"),
    pytest.param({"proc/self/cgroup": "1:cpu:/\n0::/x\n", f"{V2}/unified/x/cpu.max": "250000 100000\n"}, 2.5,
                 id="v2-beside-v1"),
    pytest.param({"proc/self/cgroup": "4:cpu:/pod\n", f"{V1}/pod/cpu.cfs_quota_us": "400000\n",
                  f"{V1}/pod/cpu.cfs_period_us": "100000\n"}, 4.0, id="v1"),
    pytest.param({"proc/self/cgroup": "4:cpu,cpuacct:/host/path\n", f"{V1_BOTH}/cpu.cfs_quota_us": "120000\n",
                  f"{V1_BOTH}/cpu.cfs_period_us": "100000\n"}, 1.2, id="v1-in-container-sees-host-path"),
    pytest.param({"proc/self/cgroup": "4:cpu:/\n", f"{V1}/cpu.cfs_quota_us": "-1\n",
                  f"{V1}/cpu.cfs_period_us": "100000\n"}, inf, id="v1-no-limit"),
    pytest.param({f"{V1}/cpu.cfs_quota_us": "100000\n"}, inf, id="v1-no-period"),
    pytest.param({f"{V1}/cpu.cfs_quota_us": "100000\n", f"{V1}/cpu.cfs_period_us": "0\n"}, inf, id="v1-period-0"),
    pytest.param({"proc/self/cgroup": "nonsense", f"{V2}/cpu.max": "many\n"}, inf, id="garbage"),
])
def test_quota_is_the_tightest_of_our_groups(tmp_path: Path, files: Mapping[str, str], quota: float) -> None:
    assert cpu_quota(machine(tmp_path, files)) == quota


@pytest.mark.parametrize(("affinity", "quota", "cpus"), [
    (8, "max", 8), (8, "150000", 2), (8, "100000", 1), (8, "1000", 1), (2, "800000", 2), (1, "max", 1),
    (400, "max", 256),
])
def test_cpus_are_what_affinity_and_quota_leave_rounded_up(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, affinity: int, quota: str, cpus: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)))
    assert usable_cpus(machine(tmp_path, {f"{V2}/cpu.max": f"{quota} 100000\n"})) == cpus


def test_cpus_of_this_very_machine_are_within_affinity() -> None:
    assert 1 <= usable_cpus() <= len(os.sched_getaffinity(0))
