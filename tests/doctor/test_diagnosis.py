"""What all findings together mean."""

import errno
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lbproxy.config import load
from lbproxy.dataplanes.ipvs.preflight.findings import judged
from lbproxy.dataplanes.ipvs.preflight.kernel_answers import KernelAnswers
from lbproxy.dataplanes.selection import DataplaneSelection, Preflight
from lbproxy.doctor.diagnosis import Diagnosis
from lbproxy.doctor.examination import examine
from lbproxy.model.finding import Finding, Verdict, worst
from lbproxy.net.system import System
from lbproxy.runtime.dataplanes import DATAPLANES
from tests.support.trees import card, default_route, lay, sysctls

WELL = {
    "proc/self/status": "CapEff:\t0000000000001000\nCapBnd:\t0000000000001000\n",
    "proc/self/uid_map": "0 0 4294967295\n",
    "proc/self/limits": "Max open files            1024                 1048576              files     \n",
    "sys/devices/system/cpu/online": "0-1\n",
    **sysctls(kernel__osrelease="6.1.0", net__ipv4__ip_forward=1, net__ipv4__vs__conntrack=1,
              net__ipv4__vs__expire_nodest_conn=1, net__ipv4__vs__expire_quiescent_template=1,
              net__ipv4__ip_local_port_range="32768 60999"),
    **card("eth0", "3"), **default_route("eth0"),
}
IPV4 = {socket.AF_INET}


def found(verdict: Verdict, name: str = "this") -> Finding:
    return Finding(name, verdict, "seen", "why")


@pytest.mark.parametrize(("verdicts", "verdict", "code"), [
    ([], Verdict.OK, 0),
    ([Verdict.OK], Verdict.OK, 0),
    ([Verdict.OK, Verdict.UNKNOWN], Verdict.UNKNOWN, 1),
    ([Verdict.IMPROVABLE, Verdict.UNKNOWN], Verdict.IMPROVABLE, 1),
    ([Verdict.FATAL, Verdict.IMPROVABLE, Verdict.OK], Verdict.FATAL, 2),
])
def test_worst_verdict_is_that_of_the_whole(verdicts: list[Verdict], verdict: Verdict, code: int) -> None:
    assert (worst(map(found, verdicts)), verdict.exit_code) == (verdict, code)


def diagnosis(requested: str, **findings: Sequence[Finding]) -> Diagnosis:
    """One of userspace and ipvs, as far as they were looked at, in the order of preference."""
    preflights = [Preflight(kind, tuple(findings[kind.name])) for kind in DATAPLANES.kinds if kind.name in findings]
    return Diagnosis(DataplaneSelection(DATAPLANES, requested, tuple(preflights)))


@pytest.mark.parametrize(("of_ipvs", "picked", "reason"), [
    ([Verdict.OK, Verdict.IMPROVABLE], "ipvs", "nothing is in the way of ipvs"),
    ([Verdict.UNKNOWN, Verdict.FATAL], "userspace", "number 1: seen"),
    ([Verdict.OK, Verdict.UNKNOWN], "userspace", "number 1: seen"),
])
def test_auto_is_ipvs_only_where_nothing_is_in_its_way(of_ipvs: list[Verdict], picked: str, reason: str) -> None:
    judged = [found(verdict, f"number {number}") for number, verdict in enumerate(of_ipvs)]
    selection = diagnosis("auto", ipvs=judged, userspace=[found(Verdict.OK)]).selection
    assert (selection.name, selection.reason) == (picked, reason)


def test_findings_for_a_dataplane_that_is_not_picked_do_not_count() -> None:
    bad, good = [found(Verdict.FATAL)], [found(Verdict.OK)]
    assert diagnosis("auto", userspace=good, ipvs=bad).verdict is Verdict.OK
    assert diagnosis("auto", userspace=bad, ipvs=good).verdict is Verdict.OK
    assert diagnosis("ipvs", ipvs=bad).verdict is Verdict.FATAL


@pytest.mark.parametrize("asked", ["userspace", "ipvs"])
def test_what_was_asked_for_is_picked(asked: str) -> None:
    selection = diagnosis(asked, **{asked: [found(Verdict.FATAL)]}).selection
    assert (selection.name, selection.reason) == (asked, "asked for")


async def findings(system: System, **options: str) -> Mapping[str, Finding]:
    """Those of userspace."""
    diagnosis = await examine(load(options, {}, None, needs_service=False), DATAPLANES, system)
    return {each.name: each for each in diagnosis.selection.active.findings}


async def test_machine_where_all_is_well_is_well_for_userspace(tmp_path: Path) -> None:
    config = load({"listen": "0.0.0.0:8080", "backend": "192.0.2.1:80"}, {}, None)
    diagnosis = await examine(config, DATAPLANES, lay(tmp_path, WELL))
    assert diagnosis.verdict is Verdict.OK, diagnosis
    assert [(name, len(group)) for name, group in diagnosis.groups()] == [("any", 2), ("userspace", 4)]


def test_machine_where_all_is_well_is_well_for_ipvs(tmp_path: Path) -> None:
    found = list(judged(IPV4, lay(tmp_path, WELL), KernelAnswers(0, {"lc": 0, "rr": 0}, 0, tcp_timeout=900)))
    assert worst(found) is Verdict.OK, found
    assert {"capabilities", "user namespace", "ipvs", "scheduler lc", "scheduler rr", "nftables", "conntrack",
            "net.ipv4.ip_forward", "net.ipv4.vs.conntrack"} <= {each.name for each in found}


async def test_low_port_of_the_admin_server_counts(tmp_path: Path) -> None:
    found = await findings(lay(tmp_path, WELL), admin="127.0.0.1:80")
    assert found["low ports"].verdict is Verdict.FATAL


def test_container_where_nothing_is_allowed_says_so_once_per_cause(tmp_path: Path) -> None:
    answers = KernelAnswers(errno.EPERM, {"lc": errno.EPERM}, errno.EPERM)
    files = {**WELL, "proc/self/status": "CapEff:\t0\nCapBnd:\t0\n"}
    found = judged(IPV4, lay(tmp_path, files), answers)
    assert [each.name for each in found if each.verdict is Verdict.FATAL] == ["capabilities", "ipvs", "nftables"]


def test_every_finding_that_will_not_work_has_a_fix(tmp_path: Path) -> None:
    answers = KernelAnswers(errno.ENOENT, {"lc": errno.ENOENT}, errno.EPERM)
    found = list(judged(IPV4, lay(tmp_path, {}), answers))
    fatal = [each for each in found if each.verdict is Verdict.FATAL]
    assert fatal
    assert all(each.fix for each in fatal)
    assert all(each.seen and each.why for each in found)
