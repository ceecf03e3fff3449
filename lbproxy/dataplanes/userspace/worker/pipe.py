"""Kernel buffers through which bulk goes from one socket to another: this process never touches its bytes (splice(2)).

Reading and sending took 0.53 s of CPU per GB on the loopback and 0.86 in the lab; this takes 0.37 and 0.62 (HAProxy:
0.74 and 0.60). A socket must not block, by its own O_NONBLOCK: splice knows no MSG_DONTWAIT. With sockets that block it
took 0.45 in the lab, but a worker that blocks serves nobody else. Nor does splice get past an urgent byte.
"""

import os
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from weakref import WeakSet

CHUNK = 256 * 1024
"""Bytes that a pipe holds, where the kernel grants it (/proc/sys/fs/pipe-max-size, pipe-user-pages-soft).

No size is good everywhere. 64 KB stay in the cache, good in the lab (0.55 s/GB), but on the loopback each send wakes a
reader (0.83); 512 KB are the other way round."""
MOST = 16
"""Pipes of a worker: two descriptors each, of the engine's RESERVED_DESCRIPTORS."""
FLAGS = getattr(os, "SPLICE_F_MOVE", 0) | getattr(os, "SPLICE_F_NONBLOCK", 0)  # a Python may lack splice


class Pipe:
    """One buffer. It is closed with what is in it when the last reference goes.

    So bytes of a lost connection never reach another one: they are not left in a pipe that is used again.
    """

    __slots__ = ("__weakref__", "_inlet", "_outlet", "_size")

    def __init__(self, outlet: int, inlet: int) -> None:
        self._outlet, self._inlet = outlet, inlet
        self._size = 0

    @classmethod
    def made(cls) -> "Pipe":
        """Make one. Raises OSError when descriptors are short."""
        outlet, inlet = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        with suppress(OSError):  # this user has used up what pipes may have: the usual size does too
            fcntl(inlet, F_SETPIPE_SZ, CHUNK)
        return cls(outlet, inlet)

    def __del__(self) -> None:
        os.close(self._outlet)
        os.close(self._inlet)

    def __len__(self) -> int:
        """Bytes that are in it."""
        return self._size

    def fill(self, fd: int) -> int:
        """Take what a socket has, a CHUNK at most; 0 at the end of its stream. Raises OSError as recv(2)."""
        self._size = os.splice(fd, self._inlet, CHUNK, flags=FLAGS)
        return self._size

    def pour(self, fd: int) -> bool:
        """Send what is in it as far as the socket takes it; return whether that was all. Raises OSError as send(2)."""
        with suppress(BlockingIOError):  # only this proves that the socket is full, and will tell of room
            while self._size:
                self._size -= os.splice(self._outlet, fd, self._size, flags=FLAGS)
        return not self._size

    def take(self) -> bytes:
        """Take out what is in it, all of it."""
        parts = []
        with suppress(BlockingIOError):
            while True:
                parts.append(os.read(self._outlet, CHUNK))
        self._size = 0
        return b"".join(parts)


class Pipes:
    """The pipes of a worker: one at hand, and those that hold what some socket has not taken yet.

    Raises OSError when the first can't be made.
    """

    def __init__(self) -> None:
        self.at_hand = Pipe.made()
        """It is empty."""
        self._spare: list[Pipe] = []
        self._all = WeakSet([self.at_hand])

    def set_aside(self) -> Pipe | bytes:
        """Return what is in the pipe at hand: the pipe itself while there may be another, else a copy of its bytes."""
        another = self._another()
        if another is None:
            return self.at_hand.take()
        full, self.at_hand = self.at_hand, another
        return full

    def take_back(self, pipe: Pipe) -> None:
        """Use a pipe again, which must be empty."""
        self._spare.append(pipe)

    def spill(self) -> None:
        """Drop what is in the pipe at hand: the connection that it was for is gone."""
        self.at_hand.take()

    def close(self) -> None:
        """Close the pipes that are empty; those that hold something go with their connections."""
        self._spare.clear()
        del self.at_hand

    def _another(self) -> Pipe | None:
        if self._spare:
            return self._spare.pop()
        return self._made() if len(self._all) < MOST else None

    def _made(self) -> Pipe | None:
        try:
            pipe = Pipe.made()
        except OSError:  # no descriptors are left
            return None
        self._all.add(pipe)
        return pipe
