"""Where a dataplane's tests take place: which addresses clients and backends have, and whose sockets they are."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from tests.support.network import BACKENDS, BACKENDS6, VIP, VIP6, Network
from tests.support.peers import HOST

Family = socket.AddressFamily


class Topology(Protocol):
    """A place for all three."""

    def listen_host(self, family: Family) -> str:
        """An address of the balancer's."""

    def backend_host(self, family: Family) -> str:
        """An address for backends."""

    def client_socket(self, family: Family) -> socket.socket:
        """A socket for a client."""

    def backend_socket(self, family: Family) -> socket.socket:
        """A socket for a backend."""


class Loopback:
    """All on one host."""

    def listen_host(self, family: Family) -> str:
        return "::1" if family == socket.AF_INET6 else HOST

    backend_host = listen_host

    def client_socket(self, family: Family) -> socket.socket:
        return socket.socket(family)

    backend_socket = client_socket


class Namespaces:
    """Each in a network namespace of its own; this thread is in the balancer's."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def listen_host(self, family: Family) -> str:
        return VIP6 if family == socket.AF_INET6 else VIP

    def backend_host(self, family: Family) -> str:
        return BACKENDS6 if family == socket.AF_INET6 else BACKENDS

    def client_socket(self, family: Family) -> socket.socket:
        return self._network.client.socket(family)

    def backend_socket(self, family: Family) -> socket.socket:
        return self._network.backends.socket(family)


@contextmanager
def loopback() -> Iterator[Topology]:
    """Nothing needs to be made."""
    yield Loopback()


@contextmanager
def in_namespaces() -> Iterator[Topology]:
    """Make the namespaces, and be in the balancer's."""
    with ExitStack() as stack:
        network = Network.made(stack)
        stack.enter_context(network.balancer.entered())
        yield Namespaces(network)
