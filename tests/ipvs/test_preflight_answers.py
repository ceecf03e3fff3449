"""What the kernel's answers mean."""

import errno

import pytest

from lbproxy.dataplanes.ipvs.preflight.kernel_answers import KernelAnswers
from lbproxy.dataplanes.ipvs.preflight.kernel_findings import addresses, judged, nftables, reachable, rival, scheduler
from lbproxy.model.finding import Verdict


def answers(ipvs: int = 0, **schedulers: int) -> KernelAnswers:
    return KernelAnswers(ipvs, schedulers, 0, tcp_timeout=900 if ipvs == 0 else None)


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
    (0, Verdict.OK, ""),
    (errno.ENOENT, Verdict.FATAL, "modprobe ip_vs_mh "),
    (errno.EAFNOSUPPORT, Verdict.UNKNOWN, ""),
    (errno.EPERM, Verdict.UNKNOWN, ""),
    (None, Verdict.UNKNOWN, ""),
], ids=["it-has", "it-has-not", "no-ipv6", "refused", "not-asked"])
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
    assert found == {"ipvs": Verdict.FATAL, "scheduler lc": Verdict.UNKNOWN, "nftables": Verdict.OK,
                     "other lbproxy": Verdict.OK}


@pytest.mark.parametrize(("pid", "verdict", "seen"), [
    (None, Verdict.OK, "none keeps IPVS"),
    (12, Verdict.FATAL, "another lbproxy (pid 12) keeps IPVS"),
    (0, Verdict.FATAL, "another lbproxy keeps IPVS"),
])
def test_other_lbproxy(pid: int | None, verdict: Verdict, seen: str) -> None:
    found = rival(pid)
    assert (found.verdict, found.seen.startswith(seen), bool(found.fix)) == (verdict, True, verdict is Verdict.FATAL)


def test_addresses_that_can_not_be_read_are_unknown() -> None:
    assert addresses(errno.EPERM).verdict is Verdict.UNKNOWN
    assert "addresses" in {each.name for each in judged(KernelAnswers(0, {}, 0, errno.EPERM))}
