"""Asks and reads everything that the question needs, and judges it."""

import socket
from collections.abc import Iterator

from lbproxy.doctor import ipvs
from lbproxy.doctor.conntrack import conntrack
from lbproxy.doctor.descriptors import descriptors
from lbproxy.doctor.diagnosis import Diagnosis
from lbproxy.doctor.finding import Finding
from lbproxy.doctor.interfaces import default_interfaces, interfaces
from lbproxy.doctor.netlink import Answers, ask
from lbproxy.doctor.overlay import uplinks
from lbproxy.doctor.ports import local_ports, low_ports
from lbproxy.doctor.privileges import capabilities, net_admin, user_namespace
from lbproxy.doctor.question import Asked, Question
from lbproxy.doctor.queues import cpus, spreading
from lbproxy.doctor.reuse import reuse_mode
from lbproxy.doctor.sysctls import switches
from lbproxy.doctor.system import System


async def examine(question: Question, system: System) -> Diagnosis:
    """Give the findings. Touches no traffic and changes nothing; raises nothing that the system is to blame for."""
    wants_ipvs, wants_userspace = question.asked is not Asked.USERSPACE, question.asked is not Asked.IPVS
    return Diagnosis(
        question.asked,
        common=(*_common(system), *await _access(question)),
        userspace=tuple(_userspace(question, system)) if wants_userspace else (),
        ipvs=tuple(for_ipvs(question, system, await ask(question.schedulers))) if wants_ipvs else (),
    )


def _common(system: System) -> Iterator[Finding]:
    found = interfaces(system)
    yield from spreading(found, cpus(system))
    yield from uplinks(found, default_interfaces(system))


def _userspace(question: Question, system: System) -> Iterator[Finding]:
    yield descriptors(system)
    yield local_ports(system)
    yield conntrack(system, is_needed=False)
    admin = (question.admin,) if question.admin else ()
    if found := low_ports(system, capabilities(system), (*question.listens, *admin)):
        yield found


def for_ipvs(question: Question, system: System, answers: Answers) -> Iterator[Finding]:
    """Judge what only IPVS needs, in the order in which one would mend it."""
    yield net_admin(capabilities(system))
    yield user_namespace(system, answers.ipvs)
    yield from ipvs.judged(answers)
    yield from switches(system, has_ipvs=answers.ipvs == 0,
                        has_ipv6=any(listen.family is socket.AF_INET6 for listen in question.listens))
    yield conntrack(system, is_needed=True)
    yield reuse_mode(system)


async def _access(question: Question) -> list[Finding]:
    if not question.clusters:
        return []
    from lbproxy.doctor.access import access  # noqa: PLC0415 - the client library takes half a second to load

    return await access(question.clusters)
