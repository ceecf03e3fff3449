"""What the kernel's answers mean."""

import errno

import pytest

from lbproxy.doctor.finding import Verdict
from lbproxy.doctor.ipvs import judged, nftables, reachable, scheduler
from lbproxy.doctor.netlink import Answers


def answers(ipvs: int = 0, **schedulers: int) -> Answers:
    return Answers(ipvs, schedulers, 0, 900 if ipvs == 0 else None)


@pytest.mark.parametrize(("answer", "verdict", "fix"), [
    (0, Verdict.OK, ""),
    (errno.ENOENT, Verdict.FATAL, "modprobe ip_vs "),
    (errno.EPROTONOSUPPORT, Verdict.FATAL, "--dataplane userspace"),
    (errno.EPERM, Verdict.FATAL, "NET_ADMIN"),
    (errno.ETIMEDOUT, Verdict.UNKNOWN, "seccomp"),
    (9999, Verdict.UNKNOWN, "seccomp"),
])
def test_ipvs(answer: int, verdict: Verdict, fix: str) -> None:
    found = reachable(answers(answer))
    assert (found.verdict, fix in found.fix) == (verdict, True)


def test_ipvs_that_answers_says_when_it_forgets() -> None:
    assert "900 s" in reachable(answers()).seen


@pytest.mark.parametrize(("answer", "verdict", "fix"), [
    (errno.EINVAL, Verdict.OK, ""),
    (errno.ENOENT, Verdict.FATAL, "modprobe ip_vs_mh "),
    (errno.EAFNOSUPPORT, Verdict.UNKNOWN, ""),
    (errno.EPERM, Verdict.UNKNOWN, ""),
    (0, Verdict.UNKNOWN, ""),
    (None, Verdict.UNKNOWN, ""),
], ids=["it-has", "it-has-not", "no-ipv6", "refused", "no-refusal", "not-asked"])
def test_scheduler(answer: int | None, verdict: Verdict, fix: str) -> None:
    found = scheduler("mh", answer)
    assert (found.name, found.verdict, fix in found.fix) == ("scheduler mh", verdict, True)


@pytest.mark.parametrize(("answer", "verdict", "fix"), [
    (0, Verdict.OK, ""),
    (errno.EPERM, Verdict.FATAL, "NET_ADMIN"),
    (errno.EINVAL, Verdict.FATAL, "modprobe nf_tables "),
    (errno.EPROTONOSUPPORT, Verdict.FATAL, "modprobe nf_tables "),
    (errno.ETIMEDOUT, Verdict.UNKNOWN, "seccomp"),
])
def test_nftables(answer: int, verdict: Verdict, fix: str) -> None:
    found = nftables(answer)
    assert (found.verdict, fix in found.fix) == (verdict, True)


def test_scheduler_is_unknown_where_ipvs_does_not_answer_whatever_came_back() -> None:
    found = {each.name: each.verdict for each in judged(answers(errno.ENOENT, lc=errno.ENOENT))}
    assert found == {"ipvs": Verdict.FATAL, "scheduler lc": Verdict.UNKNOWN, "nftables": Verdict.OK}
