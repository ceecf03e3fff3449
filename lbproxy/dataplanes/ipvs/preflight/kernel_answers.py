"""What the kernel answers when it is asked. Nothing is changed by asking.

Asking may make the kernel load a module, just as running does: reading lists of modules proves nothing, as IPVS may be
built in, or be loaded on demand (kubernetes/kubernetes#63801).
"""

import errno
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lbproxy.dataplanes.ipvs.kernel.address_reservations import holder_of
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.netlink.errors import KernelError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class KernelAnswers:
    """What each question was answered with: 0, or an errno."""

    ipvs: int
    schedulers: Mapping[str, int]
    """ENOENT means that the kernel neither has it nor can load it."""
    nftables: int
    addresses: int = 0
    """Of the interfaces' addresses, which services on all addresses need."""
    tcp_timeout: int | None = None
    """Seconds after which IPVS forgets a silent connection."""
    rival: int | None = None
    """The process that keeps IPVS in this network namespace; 0: one that our pid namespace doesn't show; None: none."""


async def ask(machine: Machine, schedulers: Iterable[str]) -> KernelAnswers:
    """Ask for IPVS, for these schedulers of it, for nftables and addresses. Raises nothing: errors are answers."""
    ipvs, observed = await _answer(machine.kernel.dump())
    return KernelAnswers(
        ipvs=ipvs,
        # Without IPVS each scheduler's answer is that of IPVS: asking would only fail in the same way.
        schedulers={name: ipvs or await _scheduler(machine, name) for name in schedulers},
        nftables=(await _answer(machine.netfilter.read()))[0],
        addresses=(await _answer(machine.addresses.read()))[0],
        tcp_timeout=observed.timeouts.tcp if observed else None,
        rival=holder_of(machine.lock),
    )


async def _scheduler(machine: Machine, name: str) -> int:
    code, has_it = await _answer(machine.kernel.has_scheduler(name))
    return code or (0 if has_it else errno.ENOENT)


async def _answer(question: Coroutine[Any, Any, Answer]) -> tuple[int, Answer | None]:
    try:
        return 0, await question
    except KernelError as error:
        return error.errno, None
