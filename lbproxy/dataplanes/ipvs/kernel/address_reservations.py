"""Keeps two programs off one address: IPVS takes packets before sockets do, and so another program's clients unnoticed.

Every listen address is bound, and not listened on, as long as it is ours. So an address on which another program
listens is refused, and one that this machine doesn't have. Only one lbproxy keeps IPVS in a network namespace.
"""

import errno
import socket
import struct
from collections.abc import Collection, Iterable

from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.net.tcp_bind import bind, explain

LOCK = "\0lbproxy-ipvs"
"""An abstract address: each network namespace has its own, and it is free again when its holder dies (unix(7))."""


class Lock:
    """Makes its holder the one that keeps IPVS in its network namespace."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._socket: socket.socket | None = None

    def take(self) -> None:
        """Take it, unless it is ours already. Raises `BindError` that names the holder."""
        if self._socket is not None:
            return
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.bind(self._name)
            # Else `holder_of` could not connect, and so not learn the pid.
            sock.listen()
        except OSError as error:
            sock.close()
            raise BindError(f"another lbproxy{_named(holder_of(self._name))} keeps IPVS in this network namespace "
                            f"({error.strerror}); stop it first, or let it serve both with one --config") from error
        self._socket = sock

    def release(self) -> None:
        """Let another one have it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class AddressReservations:
    """Owns a bound socket for each listen address."""

    def __init__(self) -> None:
        self._sockets: dict[Address, socket.socket | None] = {}

    def hold(self, addresses: Iterable[Address]) -> None:
        """Bind what is not bound yet. Raises `BindError` for the first that can't be bound, and then binds none."""
        fresh: dict[Address, socket.socket | None] = {}
        try:
            for address in addresses:
                if address not in self._sockets:
                    fresh[address] = _reserve(address)
        except OSError as error:
            _close(fresh.values())
            raise BindError(f"can't listen on {address}: {explain(error)}", address) from error
        self._sockets |= fresh

    def release_all_but(self, addresses: Collection[Address]) -> None:
        """Close the sockets of all other addresses."""
        _close([self._sockets.pop(address) for address in [a for a in self._sockets if a not in addresses]])


def _reserve(address: Address) -> socket.socket | None:
    """Bind a socket; None if only the privilege for a low port is missing, which IPVS does not need."""
    try:
        return bind(address)
    except OSError as error:
        # Another program at this address goes unnoticed then: binding is what would show it.
        if error.errno == errno.EACCES:
            return None
        raise


def _close(sockets: Iterable[socket.socket | None]) -> None:
    for sock in sockets:
        if sock is not None:
            sock.close()


def holder_of(name: str) -> int | None:
    """Give the process that has the lock of this name, and take nothing; None if no process has it.

    0 is a process that can't be named: outside of our pid namespace, or asked by too many at once.
    """
    # not blocking: the holder never accepts, so its queue may be full, and connecting would wait for ever
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
            sock.connect(name)
            # `struct ucred` (unix(7)): pid, uid and gid of the process that called listen().
            pid: int = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    except BlockingIOError:
        return 0
    except OSError:
        return None
    return pid


def _named(pid: int | None) -> str:
    return f" (pid {pid})" if pid else ""
