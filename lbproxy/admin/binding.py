"""The admin server's sockets: bound, or one line why not."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.net.unix_path import AdminAddress, UnixPath

BACKLOG = 128
OWNER_ONLY = 0o177
"""The mask that leaves a file mode 0600."""


@contextmanager
def bound(address: AdminAddress) -> Iterator[socket.socket]:
    """Listen while the block runs. Raises `BindError`."""
    if not isinstance(address, UnixPath):
        with _bind(address) as sock:
            yield sock
        return
    with _bind_unix(address) as sock:
        ours = _file(address.path)
        try:
            yield sock
        finally:
            if _file(address.path) == ours:  # else another lbproxy's is there by now
                Path(address.path).unlink()


def address_of(sock: socket.socket) -> AdminAddress:
    """Where it listens: port 0 has become a real one."""
    name = sock.getsockname()
    return UnixPath(name) if sock.family == socket.AF_UNIX else Address(*name[:2])


def _bind(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise BindError(f"--admin: can't listen on {address}: {_why(error)}; write another address, or off") from error
    return sock


def _bind_unix(address: UnixPath) -> socket.socket:
    """Bind with mode 0600 from the first moment. A socket that nobody listens on any more is replaced."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(OWNER_ONLY)
    try:
        _make_way(address.path)
        sock.bind(address.path)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise BindError(f"--admin: can't listen on {address}: {_why(error)}; write another path, or off") from error
    finally:
        os.umask(before)
    return sock


def _make_way(path: str) -> None:
    """Remove a stale socket; leave anything else for bind() to complain about."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode) and _is_stale(path):
            Path(path).unlink()


def _is_stale(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _file(path: str) -> tuple[int, int] | None:
    with suppress(OSError):
        status = os.lstat(path)
        return status.st_dev, status.st_ino
    return None


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
