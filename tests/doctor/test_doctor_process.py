"""The real command, on the machine that runs the tests, whatever it has."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.patience import PATIENCE
from tests.support.privileges import has_ipvs, may_administer

from .schema import SCHEMA

DOCTOR = [sys.executable, "-m", "lbproxy", "doctor"]
ENVIRONMENT = {**{name: value for name, value in os.environ.items() if not name.startswith("LBPROXY_")},
               "TERM": "xterm-256color"}
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--"]
IS_ROOT = os.geteuid() == 0


def run(*arguments: str, before: Sequence[str] = (), **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*before, *DOCTOR, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE,
                          env={**ENVIRONMENT, **variables})


def diagnosed(*arguments: str, before: Sequence[str] = ()) -> dict[str, Any]:
    done = run("--json", *arguments, before=before)
    answer: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(answer, SCHEMA)
    assert (done.returncode, done.stderr) == (answer["exit_code"], "")
    return answer


def verdicts(answer: dict[str, Any], dataplane: str) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in answer["findings"] if each["dataplane"] == dataplane}


def test_userspace_works_here_and_needs_no_service_configured() -> None:
    answer = diagnosed()
    assert answer["dataplane"] == {"requested": "userspace", "picked": "userspace", "reason": "asked for"}
    assert answer["exit_code"] in {0, 1}
    assert {"descriptors", "local ports"} <= verdicts(answer, "userspace").keys()
    assert verdicts(answer, "ipvs") == {}


def test_ipvs_is_told_as_it_is_here_with_the_fix() -> None:
    answer = diagnosed("--dataplane", "ipvs")
    found = verdicts(answer, "ipvs")
    assert (found["ipvs"] == "ok") is (has_ipvs() and may_administer())
    if found["ipvs"] != "ok":
        assert answer["exit_code"] == 2
        fix, = (each["fix"] for each in answer["findings"] if each["name"] == "ipvs")
        assert "modprobe ip_vs" in fix or "NET_ADMIN" in fix
    else:
        assert found["scheduler wlc"] == "ok"
        assert verdicts(diagnosed("--dataplane", "ipvs", "--scheduler", "wlc"), "ipvs")["scheduler wlc"] == "ok"


def test_auto_says_which_one_it_would_be() -> None:
    alone, auto = diagnosed("--dataplane", "ipvs"), diagnosed("--dataplane", "auto")
    works = not {"wont-work", "unknown"} & set(verdicts(alone, "ipvs").values())
    assert (auto["dataplane"]["requested"], auto["dataplane"]["picked"]) == ("auto", "ipvs" if works else "userspace")
    assert verdicts(auto, "ipvs") == verdicts(alone, "ipvs")


@pytest.mark.parametrize("before", [WITHOUT_CAPABILITIES, NOBODY] if IS_ROOT else [[]],
                         ids=["root-without-capabilities", "nobody"] if IS_ROOT else ["not-root"])
def test_without_privileges_ipvs_will_not_work_and_userspace_does(before: list[str]) -> None:
    refused = diagnosed("--dataplane", "ipvs", before=before)
    found = verdicts(refused, "ipvs")
    assert (refused["exit_code"], found["capabilities"], found["nftables"]) == (2, "wont-work", "wont-work")
    assert diagnosed(before=before)["exit_code"] in {0, 1}


@pytest.mark.parametrize("port", ["80", "8080"])
@pytest.mark.skipif(not IS_ROOT, reason="only root can give privileges up")
def test_low_port_without_privileges_depends_on_the_sysctl(port: str) -> None:
    answer = diagnosed("--listen", f"127.0.0.1:{port}", "--backend", "127.0.0.1:9001", before=NOBODY)
    start = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    expected = {"80": "ok" if start <= 80 else "wont-work", "8080": None}[port]
    assert verdicts(answer, "userspace").get("low ports") == expected


POD = ["unshare", "--net", "--mount", "sh", "-ec", """
mount -t sysfs sys /sys
ip link set lo up
ip link add eth0 mtu 1450 type veth peer name far
ip link set far up
ip link set eth0 up
ip address add 10.9.0.2/24 dev eth0
ip route add default via 10.9.0.1
exec "$@"
""", "sh"]
"""Runs a program in a network namespace like that of a pod in a vxlan."""


@pytest.mark.skipif(not IS_ROOT, reason="only root can make a network namespace")
def test_pod_in_an_overlay_is_told_as_one() -> None:
    seen = {each["name"]: each["seen"] for each in diagnosed(before=POD)["findings"]}
    assert seen["mtu of eth0"] == "1450 on a veth, vxlan presumably (1500 less 50)"
    assert seen["packets of eth0, far"].endswith("run lbproxy doctor on the node, too")


def state_of_the_machine() -> dict[str, str]:
    """What a doctor might be tempted to change."""
    sysctls = ["net/ipv4/ip_forward", "net/ipv4/ip_local_port_range", "net/netfilter/nf_conntrack_max",
               *(str(path.relative_to("/proc/sys")) for path in Path("/proc/sys/net/ipv4/vs").glob("*"))]
    files = [*(Path("/proc/sys") / name for name in sysctls), *Path("/sys/class/net").glob("*/queues/rx-*/rps_cpus"),
             Path("/proc/net/ip_vs")]
    state = {str(path): path.read_text() for path in files if path.exists()}
    if IS_ROOT:
        state["rules"] = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True,
                                        timeout=PATIENCE).stdout
    return state


def test_nothing_is_changed() -> None:
    diagnosed("--dataplane", "auto")  # from now on the kernel has loaded what it has
    before = state_of_the_machine()
    diagnosed("--dataplane", "auto")
    assert state_of_the_machine() == before


def test_output_for_a_pipe_has_no_colours_and_whole_lines() -> None:
    done = run("--dataplane", "ipvs")
    assert (done.stderr, "\x1b" in done.stdout) == ("", False)
    assert done.stdout.startswith("Dataplane ipvs\n")
    assert done.stdout.endswith(f"(exit code {done.returncode})\n")


def test_output_for_a_terminal_has_colours() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "wb") as terminal, os.fdopen(ours, "rb", buffering=0) as screen:
        subprocess.run(DOCTOR, stdout=terminal, stderr=terminal, check=False, timeout=PATIENCE,
                       env={name: value for name, value in ENVIRONMENT.items() if name != "NO_COLOR"})
        assert b"\x1b[" in screen.read(4096)


def test_rights_in_the_cluster_are_asked_for_where_a_service_is_followed(tmp_path: Path) -> None:
    answer = diagnosed("--listen", "127.0.0.1:8080", "--service", "shop/web", "--kubeconfig", str(tmp_path / "none"))
    assert (answer["exit_code"], verdicts(answer, "any")["access to shop"]) == (2, "wont-work")


def test_mistake_in_the_configuration_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "lbproxy.yaml"
    file.write_text("services: [{listen: nowhere}]\n")
    done = run("--config", str(file))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "'nowhere'" in done.stderr


def test_file_without_services_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "lbproxy.yaml"
    file.write_text("scheduler: rr\nadmin: off\n")
    assert "scheduler rr" in verdicts(diagnosed("--config", str(file), "--dataplane", "ipvs"), "ipvs")


def test_reader_that_goes_away_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        done = subprocess.run(DOCTOR, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=PATIENCE,
                              env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (1, b"")
