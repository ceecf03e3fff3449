"""Binds a TCP address, the same way for every part, and explains why one can't be bound and what to do."""

import errno
import socket

from lbproxy.model.address import Address
from lbproxy.net.socket_options import Option, set_options

HINTS = {
    errno.EADDRINUSE: "it is in use; stop its holder or write another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; write one of its own, or 0.0.0.0 or [::] for all",
    errno.EACCES: "a port below 1024 needs the net.ipv4.ip_unprivileged_port_start sysctl or the NET_BIND_SERVICE "
              "capability; write a higher port",
    errno.EAFNOSUPPORT: "this machine has no IPv6; write an IPv4 address",
}


def bind(address: Address, *, is_shared: bool = False, options: tuple[Option, ...] = ()) -> socket.socket:
    """Return a bound TCP socket that does not block and does not listen yet; the caller closes it. Raises `OSError`.

    `is_shared`: other sockets that say so too may be bound there (SO_REUSEPORT). `options` are set before binding.
    """
    sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT are no holders
        if is_shared:
            # Only where it is asked for: elsewhere it would let a second program take a part of the connections unseen.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address.family == socket.AF_INET6:  # else [::] would take IPv4's addresses too, which are listened on apart
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        set_options(sock, options)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def explain(error: OSError) -> str:
    """Return the advice for an error of bind() or listen(); the error's own text if there is none."""
    return HINTS.get(error.errno or 0, error.strerror or str(error))
