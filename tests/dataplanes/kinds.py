"""The dataplanes that keep the contract: the same tests run for each of them."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from lbproxy.dataplanes.ipvs.dataplane import IpvsDataplane
from lbproxy.dataplanes.ipvs.kind import this_machine
from lbproxy.dataplanes.ipvs.planning.marks import MarkRange
from lbproxy.dataplanes.userspace.main.dataplane import UserspaceDataplane
from lbproxy.model.address import Address
from lbproxy.model.dataplane import Dataplane

from .topologies import Topology, in_namespaces, loopback


async def at_once(_: Dataplane) -> None:
    """They are always as they are."""


async def with_a_pass(dataplane: Dataplane) -> None:
    """They are as of the last pass."""
    assert isinstance(dataplane, IpvsDataplane)
    await dataplane._pass()


async def summed_by_the_kernel(dataplane: Dataplane) -> None:
    """The kernel sums connections and bytes of all its CPUs every two seconds, and tells nobody that it has."""
    await asyncio.sleep(2.5)
    await with_a_pass(dataplane)


@dataclass(frozen=True)
class Kind:
    """One implementation, and what the tests must know of it."""

    name: str
    make: Callable[[], Dataplane]
    spread: int
    """By how many connections backends may differ that are to have equally many."""
    occupy: Callable[[Address], AbstractContextManager[None]]
    """Makes a listen address somebody else's for a while."""
    topology: Callable[[], AbstractContextManager[Topology]] = loopback
    """Where clients, balancer and backends are."""
    look: Callable[[Dataplane], Awaitable[None]] = at_once
    """Returns when what is open now has been read anew."""
    catch_up: Callable[[Dataplane], Awaitable[None]] = at_once
    """Returns when all that has happened so far is in the totals."""
    tells_at_once: bool = True
    """A client whose connection is cut is reset right then; else when it sends something."""
    overhead: int = 0
    """Bytes by which a short connection may count for more than was sent: headers, and their own packets."""

    def __str__(self) -> str:
        return self.name


@contextmanager
def listening_socket(address: Address, *, is_shared: bool = False) -> Iterator[None]:
    """Another program listens there; a shared one would let us in beside it (SO_REUSEPORT)."""
    with socket.create_server(address, family=address.family, reuse_port=is_shared):
        yield


def userspace(workers: int, *, is_shared: bool = False) -> Kind:
    """Each worker counts exactly, so all of them together are off by one connection each at most."""
    return Kind(f"userspace-{workers}", partial(UserspaceDataplane, workers), workers,
                partial(listening_socket, is_shared=is_shared))


def ipvs(marks: MarkRange | None = None) -> Kind:
    """The kernel counts exactly, all in one place; its bytes are those of whole IP packets."""
    return Kind("ipvs-by-mark" if marks else "ipvs", lambda: IpvsDataplane(this_machine(), marks, is_cleaning=True), 1,
                listening_socket, in_namespaces, with_a_pass, summed_by_the_kernel, tells_at_once=False, overhead=2000)


KINDS = (userspace(1), userspace(2, is_shared=True),
         *(pytest.param(kind, marks=pytest.mark.kernel, id=str(kind)) for kind in (ipvs(), ipvs(MarkRange(0x10)))))
