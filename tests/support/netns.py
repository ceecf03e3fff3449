"""Network namespaces without names: they go when nobody holds them, whatever became of the test."""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

CLONE_NEWNET = 0x40000000  # sched.h; os.setns and os.unshare come with Python 3.12
LIBC = ctypes.CDLL(None, use_errno=True)
HERE = "/proc/thread-self/ns/net"


class Namespace:
    """A network of its own, with its loopback up."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def new(cls) -> Self:
        """Make one, in a thread that is given up for it."""
        made: list[int] = []
        thread = threading.Thread(target=lambda: made.append(_unshared()), name="namespace")
        thread.start()
        thread.join()
        namespace = cls(made[0])
        namespace.ip("link set lo up")
        return namespace

    @property
    def path(self) -> str:
        """Where other programs find it, such as `nsenter --net=PATH`, while this process lives."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be there, with this thread; what is made there stays there. No other task may run meanwhile: don't await."""
        home = os.open(HERE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _set(self._descriptor)
            yield
        finally:
            _set(home)
            os.close(home)

    def socket(self, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """Make a TCP socket there."""
        with self.entered():
            return socket.socket(family)

    def run(self, *command: str, given: str = "") -> str:
        """Run a command there, and give what it says."""
        with self.entered():
            done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def ip(self, *lines: str) -> None:
        """Have `ip` carry out lines such as `link set lo up`, all in one process: each costs 0.1 s in a guest."""
        self.run("ip", "-batch", "-", given="\n".join(lines))

    def close(self) -> None:
        os.close(self._descriptor)


def _unshared() -> int:
    _check(LIBC.unshare(CLONE_NEWNET))
    return os.open(HERE, os.O_RDONLY | os.O_CLOEXEC)


def _set(descriptor: int) -> None:
    _check(LIBC.setns(descriptor, CLONE_NEWNET))


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
