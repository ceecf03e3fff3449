"""The listening sockets, which the main process owns: when a worker dies, its new clients go on queueing.

Each worker has a socket of its own per address (SO_REUSEPORT), so that the kernel spreads the clients and an idle
worker is never woken for another one's.
"""

import socket
from collections.abc import Collection, Iterable

from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.net.socket_options import KEEPALIVE, URGENT_IN_LINE
from lbproxy.net.tcp_bind import bind, explain

BACKLOG = 4096
"""Clients that may wait to be accepted; the kernel caps it at net.core.somaxconn."""
INHERITED = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), URGENT_IN_LINE, *KEEPALIVE)
"""Set once here: on Linux an accepted socket inherits them from its listening socket."""


class ListeningSockets:
    """The sockets of all listen addresses, one per worker each; owns them until `close_all_but`."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._sockets: dict[Address, list[socket.socket]] = {}

    def __contains__(self, address: object) -> bool:
        return address in self._sockets

    def descriptor(self, address: Address, worker: int) -> int:
        """The descriptor of a worker's socket."""
        return self._sockets[address][worker].fileno()

    def open(self, addresses: Iterable[Address]) -> None:
        """Bind what is not bound yet: all of it, or nothing and `BindError`."""
        fresh: dict[Address, list[socket.socket]] = {}
        try:
            for address in addresses:
                if address not in self._sockets:
                    fresh[address] = self._bind_all(address)
        except BindError:
            _close(fresh.values())
            raise
        self._sockets |= fresh

    def close_all_but(self, addresses: Collection[Address]) -> None:
        """Close the others; the workers' duplicates take the clients that wait already."""
        _close(self._sockets.pop(address) for address in [a for a in self._sockets if a not in addresses])

    def _bind_all(self, address: Address) -> list[socket.socket]:
        sockets: list[socket.socket] = []
        try:
            if not any(address.overlaps(ours) for ours in self._sockets):
                bind(address).close()  # a shared one would bind beside somebody else's unnoticed
            for _ in range(self._workers):
                sockets.append(bind(address, is_shared=True, options=INHERITED))
                sockets[-1].listen(BACKLOG)
        except OSError as error:
            _close([sockets])
            raise BindError(f"can't listen on {address}: {explain(error)}", address) from error
        return sockets


def _close(groups: Iterable[Iterable[socket.socket]]) -> None:
    for group in groups:
        for sock in group:
            sock.close()
