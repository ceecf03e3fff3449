"""What the IPVS overlay's init container does, run in a namespace of its own."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.rendering import Manifest, container

SET_TO_1 = ["ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/vs/conntrack", "ipv4/vs/expire_nodest_conn",
            "ipv4/vs/expire_quiescent_template"]
UNTOUCHED = ["ipv4/vs/conn_reuse_mode", "ipv4/vs/sloppy_tcp"]


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Stands for /proc/sys/net where ip_vs is loaded."""
    for name in (*SET_TO_1, *UNTOUCHED):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("0\n")
    return tmp_path


def test_it_sets_what_ipvs_needs_and_nothing_else(ipvs: list[Manifest], kernel: Path) -> None:
    assert run(ipvs, f"mount --bind {kernel} /proc/sys/net").returncode == 0
    assert {name: (kernel / name).read_text() for name in SET_TO_1} == dict.fromkeys(SET_TO_1, "1\n")
    assert {name: (kernel / name).read_text() for name in UNTOUCHED} == dict.fromkeys(UNTOUCHED, "0\n")


def test_it_works_on_a_node_without_ipv6(ipvs: list[Manifest], kernel: Path) -> None:
    (kernel / "ipv6/conf/all/forwarding").unlink()
    assert run(ipvs, f"mount --bind {kernel} /proc/sys/net").returncode == 0
    assert not (kernel / "ipv6/conf/all/forwarding").exists()


def test_without_ip_vs_it_says_what_to_load_and_the_pod_does_not_start(ipvs: list[Manifest], kernel: Path) -> None:
    (kernel / "ipv4/vs").rename(kernel / "none")
    done = run(ipvs, f"mount --bind {kernel} /proc/sys/net")
    assert (done.returncode, done.stderr) == (
        1, "ip_vs is not loaded: on the node, modprobe ip_vs, and name it in /etc/modules-load.d\n")
    assert (kernel / "ipv4/ip_forward").read_text() == "0\n"


def test_a_value_that_the_kernel_refuses_stops_the_pod(ipvs: list[Manifest], kernel: Path) -> None:
    (kernel / "ipv4/vs/conntrack").unlink()
    (kernel / "ipv4/vs/conntrack").mkdir()
    assert run(ipvs, f"mount --bind {kernel} /proc/sys/net").returncode != 0


def run(manifests: list[Manifest], before: str) -> subprocess.CompletedProcess[str]:
    """Run it as the kubelet would, in network and mount namespaces that vanish with it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for namespaces of its own")
    sysctls = container(manifests, "sysctls")
    script = [*sysctls["command"], *sysctls["args"]]
    return subprocess.run(["unshare", "--net", "--mount", "sh", "-euc", f'{before}; exec "$@"', "sh", *script],
                          capture_output=True, text=True, check=False)
