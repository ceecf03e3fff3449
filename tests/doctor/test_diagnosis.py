"""What all findings together mean."""

import errno
from pathlib import Path

import pytest

from lbproxy.doctor.diagnosis import Diagnosis
from lbproxy.doctor.examination import examine, for_ipvs
from lbproxy.doctor.finding import Finding, Verdict, worst
from lbproxy.doctor.netlink import Answers
from lbproxy.doctor.question import Asked, Question
from lbproxy.model.address import Address

from .trees import card, default_route, lay, sysctls

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


@pytest.mark.parametrize(("of_ipvs", "picked", "reason"), [
    ([Verdict.OK, Verdict.IMPROVABLE], Asked.IPVS, "nothing is in the way of ipvs"),
    ([Verdict.UNKNOWN, Verdict.FATAL], Asked.USERSPACE, "number 1: seen"),
    ([Verdict.OK, Verdict.UNKNOWN], Asked.USERSPACE, "number 1: seen"),
])
def test_auto_is_ipvs_only_where_nothing_is_in_its_way(of_ipvs: list[Verdict], picked: Asked, reason: str) -> None:
    diagnosis = Diagnosis(Asked.AUTO, ipvs=tuple(
        found(verdict, f"number {number}") for number, verdict in enumerate(of_ipvs)))
    assert (diagnosis.picked, diagnosis.reason) == (picked, reason)


def test_findings_for_a_dataplane_that_is_not_picked_do_not_count() -> None:
    bad, good = (found(Verdict.FATAL),), (found(Verdict.OK),)
    assert Diagnosis(Asked.AUTO, userspace=good, ipvs=bad).verdict is Verdict.OK
    assert Diagnosis(Asked.AUTO, userspace=bad, ipvs=good).verdict is Verdict.OK
    assert Diagnosis(Asked.IPVS, userspace=good, ipvs=bad).verdict is Verdict.FATAL


@pytest.mark.parametrize("asked", [Asked.USERSPACE, Asked.IPVS])
def test_what_was_asked_for_is_picked(asked: Asked) -> None:
    assert (Diagnosis(asked, ipvs=(found(Verdict.FATAL),)).picked, Diagnosis(asked).reason) == (asked, "asked for")


async def test_machine_where_all_is_well_is_well_for_userspace(tmp_path: Path) -> None:
    diagnosis = await examine(Question(listens=(Address("0.0.0.0", 8080),)), lay(tmp_path, WELL))
    assert diagnosis.verdict is Verdict.OK, diagnosis
    assert (len(diagnosis.common), len(diagnosis.userspace), diagnosis.ipvs) == (2, 3, ())


def test_machine_where_all_is_well_is_well_for_ipvs(tmp_path: Path) -> None:
    answers = Answers(0, {"lc": errno.EINVAL, "rr": errno.EINVAL}, 0, 900)
    judged = list(for_ipvs(Question(Asked.IPVS), lay(tmp_path, WELL), answers))
    assert worst(judged) is Verdict.OK, judged
    assert {"capabilities", "user namespace", "ipvs", "scheduler lc", "scheduler rr", "nftables", "conntrack",
            "net.ipv4.ip_forward", "net.ipv4.vs.conntrack"} <= {each.name for each in judged}


@pytest.mark.parametrize(("question", "is_judged"), [
    (Question(listens=(Address("::", 80),)), True),
    (Question(listens=(Address("0.0.0.0", 80),), admin=Address("::", 9180)), False),
])
def test_ipv6_has_to_be_forwarded_for_services_but_not_for_the_admin_server(
        tmp_path: Path, question: Question, *, is_judged: bool) -> None:
    judged = for_ipvs(question, lay(tmp_path, WELL), Answers(0, {}, 0))
    assert ("net.ipv6.conf.all.forwarding" in {each.name for each in judged}) is is_judged


async def test_low_port_of_the_admin_server_counts(tmp_path: Path) -> None:
    diagnosis = await examine(Question(admin=Address("127.0.0.1", 80)), lay(tmp_path, WELL))
    assert {each.name: each.verdict for each in diagnosis.userspace}["low ports"] is Verdict.FATAL


def test_container_where_nothing_is_allowed_says_so_once_per_cause(tmp_path: Path) -> None:
    answers = Answers(errno.EPERM, {"lc": errno.EPERM}, errno.EPERM)
    files = {**WELL, "proc/self/status": "CapEff:\t0\nCapBnd:\t0\n"}
    judged = for_ipvs(Question(Asked.IPVS), lay(tmp_path, files), answers)
    assert [each.name for each in judged if each.verdict is Verdict.FATAL] == ["capabilities", "ipvs", "nftables"]


def test_every_finding_that_will_not_work_has_a_fix(tmp_path: Path) -> None:
    answers = Answers(errno.ENOENT, {"lc": errno.ENOENT}, errno.EPERM)
    judged = list(for_ipvs(Question(Asked.IPVS), lay(tmp_path, {}), answers))
    fatal = [each for each in judged if each.verdict is Verdict.FATAL]
    assert fatal
    assert all(each.fix for each in fatal)
    assert all(each.seen and each.why for each in judged)
