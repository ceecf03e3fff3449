"""Whether the kernel has IPVS for us, the schedulers that are wanted, and nftables for the masquerading. Pure."""

import errno
import os
from collections.abc import Iterator

from lbproxy.dataplanes.ipvs.preflight.kernel_answers import KernelAnswers
from lbproxy.model.finding import Finding, Verdict

REFUSED = {errno.EPERM, errno.EACCES}
ABSENT = {errno.ENOENT, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EINVAL, errno.EAFNOSUPPORT}
"""How a kernel says that it has no such family, subsystem or kind of socket."""


def judged(answers: KernelAnswers) -> Iterator[Finding]:
    """Judge all that the kernel answered."""
    yield reachable(answers)
    for name, answer in answers.schedulers.items():
        yield scheduler(name, answer if answers.ipvs == 0 else None)
    yield nftables(answers.nftables)
    if answers.addresses:
        yield addresses(answers.addresses)
    yield rival(answers.rival)


def reachable(answers: KernelAnswers) -> Finding:
    """Judge whether IPVS answers us."""
    why = "the kernel's IPVS moves the bytes"
    if answers.ipvs == 0:
        forgets = "" if answers.tcp_timeout is None else f"; forgets silent connections after {answers.tcp_timeout} s"
        return Finding("ipvs", Verdict.OK, f"it answers over netlink{forgets}", why)
    if answers.ipvs in REFUSED:
        return Finding("ipvs", Verdict.FATAL, "it is there but refuses us (EPERM)", why,
                       "give NET_ADMIN in the node's own user namespace: see capabilities and user namespace")
    if answers.ipvs in ABSENT:
        return Finding("ipvs", Verdict.FATAL, "the kernel knows no netlink family IPVS", why,
                       "on the node: modprobe ip_vs && echo ip_vs >/etc/modules-load.d/ip_vs.conf; a kernel without "
                       "that module can't: use --dataplane userspace")
    return Finding("ipvs", Verdict.UNKNOWN, f"asking failed: {_words(answers.ipvs)}", why,
                   "allow netlink sockets (NETLINK_GENERIC) in the seccomp profile, then ask again")


def scheduler(name: str, answer: int | None) -> Finding:
    """Judge the answer; None: IPVS did not answer, so it was not asked."""
    title, why = f"scheduler {name}", "without it the kernel takes no virtual service"
    if answer == 0:
        return Finding(title, Verdict.OK, "the kernel has it", why)
    if answer == errno.ENOENT:
        return Finding(title, Verdict.FATAL, "the kernel neither has it nor can load it", why,
                       f"on the node: modprobe ip_vs_{name} && echo ip_vs_{name} >/etc/modules-load.d/ip_vs_{name}.conf"
                       "; or choose another --scheduler")
    seen = "can't be asked for, as IPVS doesn't answer" if answer is None else f"asking failed: {_words(answer)}"
    return Finding(title, Verdict.UNKNOWN, seen, f"{why}; it loads ip_vs_{name} on demand if the node has it")


def nftables(answer: int) -> Finding:
    """Judge whether we may write rules of our own."""
    why = "masquerading takes a table of our own; without it backends answer clients past us"
    if answer == 0:
        return Finding("nftables", Verdict.OK, "it answers over netlink", why)
    if answer in REFUSED:
        return Finding("nftables", Verdict.FATAL, "it is there but refuses us (EPERM)", why,
                       "give NET_ADMIN: see capabilities")
    if answer in ABSENT:
        return Finding("nftables", Verdict.FATAL, "the kernel knows no nf_tables", why,
                       "on the node: modprobe nf_tables && echo nf_tables >/etc/modules-load.d/nf_tables.conf")
    return Finding("nftables", Verdict.UNKNOWN, f"asking failed: {_words(answer)}", why,
                   "allow netlink sockets (NETLINK_NETFILTER) in the seccomp profile, then ask again")


def addresses(answer: int) -> Finding:
    """Judge why the interfaces' addresses can't be read."""
    return Finding("addresses", Verdict.UNKNOWN, f"asking for this machine's addresses failed: {_words(answer)}",
                   "a service on all addresses is one in IPVS for each",
                   "allow netlink sockets (NETLINK_ROUTE) in the seccomp profile, then ask again")


def rival(pid: int | None) -> Finding:
    """Judge whether another lbproxy is there."""
    why = "IPVS has one table in a network namespace, and one lbproxy alone can keep it"
    if pid is None:
        return Finding("other lbproxy", Verdict.OK, "none keeps IPVS in this network namespace", why)
    return Finding("other lbproxy", Verdict.FATAL,
                   f"another lbproxy{f' (pid {pid})' if pid else ''} keeps IPVS in this network namespace", why,
                   "stop it first, or let it serve both with one --config; if it is the one that you ask about, all "
                   "is well")


def _words(answer: int) -> str:
    return f"{os.strerror(answer)} ({errno.errorcode.get(answer, answer)})"
