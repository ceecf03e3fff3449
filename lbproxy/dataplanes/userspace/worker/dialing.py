"""Starting a connection to a backend, and what the kernel's answers mean."""

import errno
from fcntl import ioctl
from socket import IPPROTO_TCP, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, TCP_NODELAY, TCP_QUICKACK
from termios import FIONREAD

from lbproxy.dataplanes.userspace.shared.reasons import Failed
from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.connection import Connection, End

DIALING = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC

UNDER_WAY = frozenset({0, errno.EINPROGRESS})
"""What connect() says when nothing is wrong."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC})
"""What accept(), socket() and epoll say when descriptors or kernel memory are gone."""
GONE_SILENT = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""What an established connection says when the other host no longer answers."""

_WAITING = bytearray(4)
"""Where the kernel writes a number, an `int`, how many bytes wait; one for all: it is read at once."""

_FAILURES = {
    errno.ECONNREFUSED: Failed.REFUSED,
    errno.ETIMEDOUT: Failed.TIMEOUT,
    errno.EHOSTUNREACH: Failed.UNREACHABLE,
    errno.ENETUNREACH: Failed.UNREACHABLE,
    errno.ECONNRESET: Failed.RESET,
    errno.EADDRNOTAVAIL: Failed.PORTS,
}


def failure_of(code: int) -> Failed:
    """Say why a connect failed, from its errno."""
    return _FAILURES.get(code, Failed.OTHER)


def prepare(relay: ByteLoop, connection: Connection, family: int) -> None:
    """Make `connection.server`, a socket to dial with; raises OSError when descriptors or kernel memory are gone."""
    connection.server = server = End(family, DIALING)
    server.adopt(connection, server.fileno())
    relay.hold(server)
    server.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    if _has_sent(connection.client):
        server.setsockopt(IPPROTO_TCP, TCP_QUICKACK, 0)  # what it has sent will be the ACK: one packet less


def dial(relay: ByteLoop, server: End) -> int:
    """Start connecting a prepared socket to the backend; return connect()'s errno, or why it can't be watched."""
    try:
        error = server.connect_ex(server.connection.target.address)
        relay.watch_dialing(server)
    except OSError as failure:
        return failure.errno or errno.EIO
    return error


def _has_sent(client: End) -> bool:
    """Whether something from the client is to be relayed at once. Where the backend speaks first, it must not wait."""
    ioctl(client.fd, FIONREAD, _WAITING)
    return any(_WAITING)
