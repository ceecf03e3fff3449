"""Accepting clients in a worker, and when not to: while descriptors are short, clients wait in the kernel's queue.

The main process owns the listening sockets; a worker holds duplicates. Level-triggered, unlike connections: what was
not accepted in this batch is reported in the next.
"""

from _socket import socket as RawSocket  # noqa: N812 - it is a class
from collections.abc import Callable
from socket import SOCK_NONBLOCK, SOCK_STREAM

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.pending_connections import EXHAUSTED
from lbproxy.dataplanes.userspace.worker.service import LiveService
from lbproxy.model.address import Address

ACCEPTS = 16
"""Clients taken at once from one listening socket; connections that exist get their turn in between."""
SOCKETS_PER_CLIENT = 2


class Gate:
    """Starts and pauses accepting on all listening sockets of a worker together.

    `limit` is the number of sockets that connections may use. `on_change` is told of each change: whether
    accepting is paused now, and why.
    """

    def __init__(self, byte_loop: ByteLoop, cells: memoryview, limit: int,
                 on_change: Callable[[bool, str], None]) -> None:
        self.listeners: dict[Address, Listener] = {}
        self.is_paused = False
        self.limit = limit
        self._byte_loop, self._cells, self._on_change = byte_loop, cells, on_change

    def add(self, listener: "Listener") -> None:
        """Accept from this socket too."""
        self.listeners[listener.address] = listener
        if not self.is_paused:
            self._byte_loop.listen(listener.fd, listener.accept)

    def remove(self, address: Address) -> None:
        """Accept the clients that wait already, then give the socket back. In a pause they are reset instead."""
        listener = self.listeners.pop(address)
        if not self.is_paused:
            self._byte_loop.unlisten(listener.fd)
            listener.accept_rest()
        listener.close()

    def room(self) -> int:
        """How many more clients can be taken now; pauses accepting if none."""
        room = (self.limit - len(self._byte_loop)) // SOCKETS_PER_CLIENT
        if room < 1:
            self.pause("descriptors")
        return room

    def pause(self, why: str) -> None:
        """Stop accepting until `review` finds room."""
        if not self.is_paused:
            self.is_paused = True
            self._cells[counters.ACCEPT_PAUSES] += 1
            self._show(why)
            for listener in self.listeners.values():
                self._byte_loop.unlisten(listener.fd)

    def review(self) -> None:
        """Accept again if there is room. Called at each tick, so a pause lasts a tick at least."""
        if self.is_paused and len(self._byte_loop) + SOCKETS_PER_CLIENT <= self.limit:
            self.is_paused = False
            self._show("")
            for listener in self.listeners.values():
                self._byte_loop.listen(listener.fd, listener.accept)

    def on_accept_error(self, error: OSError) -> None:
        """A client could not be taken: the machine is short of something, or that client is gone (accept(2))."""
        self._cells[counters.ACCEPT_ERRORS] += 1
        if error.errno in EXHAUSTED:
            self.pause(error.strerror or str(error))

    def _show(self, why: str) -> None:
        self._cells[counters.IS_PAUSED] = self.is_paused
        self._on_change(self.is_paused, why)


class Listener:
    """One listening socket of one service, in one worker."""

    def __init__(self, address: Address, fd: int, service: LiveService, gate: Gate) -> None:
        self.address, self.fd = address, fd
        self._family = int(address.family)
        self._socket = RawSocket(self._family, SOCK_STREAM | SOCK_NONBLOCK, 0, fd)
        # The bare descriptor, as the standard library's own accept() gets it: no Python-level wrapper per client.
        self._accept: Callable[[], tuple[int, object]] = getattr(self._socket, "_accept")  # noqa: B009 - not in the stubs
        self._service, self._gate = service, gate

    def accept(self) -> None:
        """Take clients that wait, as long as there is room for them."""
        self._accept_up_to(min(ACCEPTS, self._gate.room()))

    def accept_rest(self) -> None:
        """Take every client that waits: the socket is about to be closed, which would reset them."""
        while self._accept_up_to(self._gate.room()):
            pass

    def close(self) -> None:
        """Give this worker's duplicate back."""
        self._socket.close()

    def _accept_up_to(self, most: int) -> bool:
        """Return whether more may wait."""
        accept, opened, family = self._accept, self._service.open, self._family
        for _ in range(most):
            try:
                fd, _ = accept()
            except BlockingIOError:
                return False
            except OSError as error:
                self._gate.on_accept_error(error)
                return False
            opened(family, fd)
        return most > 0
