"""What the dataplane needs of the kernel: three small interfaces, which the real kernel and the tests' fake implement.

Constructors do no I/O and need no privilege; the first call opens what it needs. The caller makes no call while another
one of the same object is under way. Whatever the kernel refuses, or goes wrong on the way to it, is a `KernelError`.
"""

from typing import Protocol

from lbproxy.dataplanes.ipvs.planning.steps import Step
from lbproxy.dataplanes.ipvs.planning.values import Observed, Ruleset


class Kernel(Protocol):
    """IPVS of the network namespace that this process is in. Remembers nothing: each dump asks anew."""

    async def dump(self) -> Observed:
        """Read the whole table: TCP and fwmark services of all programs, their destinations, statistics, timeouts.

        A service that is deleted between the two requests it takes has no destinations. UDP and SCTP services are left
        out: they can't conflict with ours. Raises `KernelError`; never gives a part of the table for the whole.
        """

    async def do(self, step: Step) -> None:
        """Do one step, and return when the kernel has said that it is done.

        Raises `KernelError` if the kernel refuses; then nothing has changed. Exactly this step is done: an existing
        service or destination is not changed by an Add (EEXIST), a missing one not made by a Set or Delete (ESRCH for a
        service, ENOENT for a destination or a scheduler), and a destination of the other family is refused (EINVAL).
        """

    async def has_scheduler(self, name: str) -> bool:
        """Whether IPVS has this scheduler, or the kernel can load it, which asking may make it do.

        Makes no service. Raises `KernelError` if that can't be found out: with EAFNOSUPPORT without IPv6 in IPVS.
        """

    async def close(self) -> None:
        """Close the socket. May be called again, and before anything was opened; the table stays as it is."""


class Netfilter(Protocol):
    """Our own nftables tables, `ip lbproxy` and `ip6 lbproxy`; no other table is ever changed or read."""

    async def read(self) -> Ruleset:
        """Give what the tables say; an empty `Ruleset` if there is no table of ours.

        Of a table that another program has altered (a rule or chain is missing, added or changed) it gives what can
        still be read, and `is_intact` False. Raises `KernelError`.
        """

    async def replace(self, ruleset: Ruleset) -> None:
        """Make the tables say exactly this: one transaction over both families, so that no packet sees half of it.

        A family that has nothing in the ruleset gets no table. Raises `KernelError`, and then leaves everything as it
        was.
        """

    async def remove(self) -> None:
        """Delete the tables; no error if there are none. Raises `KernelError`."""

    async def close(self) -> None:
        """Close the socket. May be called again, and before anything was opened; the tables stay."""


class LocalAddresses(Protocol):
    """The addresses of this network namespace's interfaces."""

    async def read(self) -> frozenset[str]:
        """Give those that clients on other hosts can reach, in canonical form: no loopback, no link-local ones.

        Raises `KernelError`.
        """

    async def close(self) -> None:
        """Close the socket. May be called again, and before anything was opened."""
