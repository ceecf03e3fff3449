"""What the dataplane needs of the kernel: three small interfaces, real in `kernel` and `netfilter`, fake in tests.

Constructors do no I/O and need no privilege; the first call opens what it needs. No call is made while another one of
the same object is under way. Whatever goes wrong in the kernel or on the way to it is a `KernelError`.
"""

from typing import Protocol

from lbproxy.dataplanes.ipvs.planning.values import Observed, Op, Ruleset


class Kernel(Protocol):
    """IPVS of the network namespace that this process is in. Remembers nothing: each dump asks anew."""

    async def dump(self) -> Observed:
        """Read the whole table: TCP and fwmark services of anybody's, their destinations, statistics, timeouts.

        A service that vanishes between the two requests it takes is left out. UDP and SCTP are left out too: they
        can't be in our way. Raises `KernelError`; never gives a part of the table for the whole.
        """

    async def do(self, op: Op) -> None:
        """Do one step and return when the kernel has said that it is done; raise `KernelError` if it refuses.

        Exactly this step: an existing one is not changed by an Add (EEXIST), a missing one not made by a Set.
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
        """Give what is there; an empty `Ruleset` if there is no table of ours.

        Of a table that somebody has altered (a rule or chain is missing, another or out of its place) it gives what
        can still be read, and `is_intact` False. Raises `KernelError`.
        """

    async def replace(self, ruleset: Ruleset) -> None:
        """Make the tables say exactly this: one transaction over both families, so that no packet sees half of it.

        A family of which nothing is said gets no table. Raises `KernelError` and leaves everything as it was.
        """

    async def remove(self) -> None:
        """Delete the tables; no error if there are none."""

    async def close(self) -> None:
        """Close the socket. May be called again, and before anything was opened; the tables stay."""


class LocalAddresses(Protocol):
    """The addresses of this network namespace's interfaces."""

    async def read(self) -> frozenset[str]:
        """Give those that clients of other hosts can reach, in canonical form: no loopback, no link-local ones."""

    async def close(self) -> None:
        """Close the socket. May be called again, and before anything was opened."""
