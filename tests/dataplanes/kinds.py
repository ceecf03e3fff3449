"""The dataplanes that keep the contract: the same tests run for each of them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from lbproxy.dataplanes.base import Dataplane
from lbproxy.dataplanes.userspace.dataplane import UserspaceDataplane
from lbproxy.model import Address


@dataclass(frozen=True)
class Kind:
    """One implementation, and what the tests must know of it."""

    name: str
    make: Callable[[], Dataplane]
    spread: int
    """By how many connections backends may differ that are to have equally many."""
    occupy: Callable[[Address], AbstractContextManager[None]]
    """Makes a listen address somebody else's for a while."""

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


KINDS = (userspace(1), userspace(2, is_shared=True))
