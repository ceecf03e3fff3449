"""What the harness is made of: a clock, listening sockets, and a count of what is open."""

import socket
from pathlib import Path

import pytest

from lbproxy.dataplanes.userspace.main.listening_sockets import INHERITED
from lbproxy.model.address import Address
from lbproxy.net.socket_options import set_options


class Clock:
    """Monotonic time, in seconds. It stands still, or goes on by a `step` each time that it is looked at."""

    def __init__(self) -> None:
        self.now, self.step = 1000.0, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def listening(host: str) -> tuple[socket.socket, Address]:
    """A listening socket as the main process makes it, on any free port."""
    sock = socket.socket(Address(host, 0).family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    set_options(sock, INHERITED)
    sock.bind((host, 0))
    sock.listen(100)
    return sock, Address(*sock.getsockname()[:2])


def has_ipv6() -> bool:
    """This machine has an IPv6 loopback."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def open_sockets() -> int:
    """How many sockets, pipes and epoll sets this process has open."""
    links = (_target(link) for link in Path("/proc/self/fd").iterdir())
    return sum(target.startswith(("socket:", "pipe:", "anon_inode:[eventpoll]")) for target in links)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # the listing's own
        return ""


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
