"""The byte loop: the common case. What arrives on one end of a connection is sent on at the other.

One private epoll set per worker, whose descriptor is all that the asyncio loop knows. Every socket is
registered once, edge-triggered. `run` and what it calls is the one place where speed may cost elegance: it is one
of asyncio's callbacks instead of one per socket and event. Whatever is not the common case is the slow path's.
"""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Any, NoReturn

from lbproxy.dataplanes.userspace.worker.connection import RELAYING, Connection, End
from lbproxy.dataplanes.userspace.worker.slow_path import (
    PEER_CLOSED,
    READABLE,
    SMALL,
    UNUSUAL,
    URGENT,
    WRITABLE,
    SlowPath,
)

ARRIVALS = READABLE | PEER_CLOSED | URGENT | select.EPOLLET
ARRIVALS_AND_ROOM = ARRIVALS | WRITABLE
BATCH = 256
"""Events taken from the kernel at once: so many times SMALL bytes at most are read before they are sent on."""
LINGER = 0.002
"""Seconds to wait for more inside a turn: under load it saves the outer loop's own epoll_wait.

Only for a loop that others share. To arm and disarm so short a timer for each wait costs 3 µs: a request on one
connection took 56 µs of CPU with it and 49 without, on four connections 18.5 and 16. A worker has its loop for itself
(`own_loop`) and waits until its next tick."""
TURN = 0.010
"""Seconds after which the outer loop gets its turn, whatever is going on."""

Deferred = tuple[Callable[[End], None], End]


class _OutsideBatch(list[Any]):
    """Takes the place of a batch's lists while no batch is open: code that forgot to open one fails at once.

    It costs the hot path nothing, for no flag is tested there: the list's own method raises.
    """

    def append(self, _: object, /) -> NoReturn:
        raise RuntimeError("this must happen inside `with byte_loop.batch()`")


_OUTSIDE = _OutsideBatch()


class ByteLoop:
    """All sockets of one worker process.

    What it defers and removes belongs to a batch: of events, within `run`, or one that the caller opens with `batch`.
    """

    def __init__(self) -> None:
        self.now = monotonic()
        """When the current batch was taken, seconds on the monotonic clock: good enough for every duration."""
        self._poller = select.epoll()
        self.slow_path = SlowPath(self._watch_room)
        self._register = self._poller.register
        self._ends: dict[int, End] = {}
        self._acceptors: dict[int, Callable[[], None]] = {}
        self._removed: list[End] = _OUTSIDE
        self._deferred: list[Deferred] = _OUTSIDE
        self._linger = LINGER
        self._until = 0.0

    def __len__(self) -> int:
        """How many sockets of connections are open."""
        return len(self._ends)

    def fileno(self) -> int:
        """What the asyncio loop watches; readable means: call `run`."""
        return self._poller.fileno()

    def close(self) -> None:
        """Give the epoll set back; connections must have been closed before."""
        self.slow_path.close()
        self._poller.close()

    def listen(self, fd: int, accept: Callable[[], None]) -> None:
        """Call `accept` whenever clients wait at this listening socket. Raises OSError as epoll_ctl(2)."""
        self._acceptors[fd] = accept
        self._poller.register(fd, READABLE)

    def unlisten(self, fd: int) -> None:
        """Take no more clients from this listening socket; they go on queueing in the kernel."""
        del self._acceptors[fd]
        self._poller.unregister(fd)

    def own_loop(self, others: int) -> None:
        """Use the asyncio loop alone, but for this descriptor and timers: `run` lingers until one of them is due."""
        self._linger = inf
        self.listen(others, self._interrupt)

    def share_loop(self, others: int) -> None:
        """Let others use the asyncio loop again: watch this descriptor no more, and linger for LINGER only."""
        self._linger = LINGER
        self.unlisten(others)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Whatever reaches connections from outside `run` does so in here. Within another batch it is part of that.

        At its end what was deferred is done, and then what was removed is closed. Outside, `defer` and `remove` raise
        RuntimeError.
        """
        if self._deferred is not _OUTSIDE:
            yield
            return
        self._deferred, self._removed = [], []
        try:
            yield
            self._flush()
        finally:
            self._deferred = self._removed = _OUTSIDE

    def watch(self, end: End) -> None:
        """Count a new end, and watch it for what arrives. Raises OSError as epoll_ctl(2)."""
        self._ends[end.fd] = end
        self._register(end.fd, ARRIVALS)

    def track(self, end: End) -> None:
        """Count a new end, which is not watched yet."""
        self._ends[end.fd] = end

    def watch_dialing(self, end: End) -> None:
        """Watch an end that is tracked, also for its being connected. Raises OSError as epoll_ctl(2)."""
        end.is_room_watched = True
        self._register(end.fd, ARRIVALS_AND_ROOM)

    def defer(self, act: Callable[[End], None], end: End) -> None:
        """Do this when the whole batch has been read, unless the end is removed before.

        All of a batch is read first, then sent on, and then the backends of new clients are dialed. What leaves
        together wakes the CPU that takes the packets once: in the lab, whose packets take another CPU, a new
        connection costs the node 66.7 µs instead of 77, a request 11.2 instead of 11.9; the loopback shows nothing.
        """
        self._deferred.append((act, end))

    def remove(self, end: End) -> None:
        """Forget an end. It is closed at the end of the batch, for its number must not be reused before.

        Else an event of the old socket, still to be served in this batch, would reach the new one.
        """
        del self._ends[end.fd]
        self._removed.append(end)

    def link(self, connection: Connection) -> None:
        """Relay between its two ends from now on, first what the client may have sent already."""
        client, server = connection.client, connection.server
        client.peer, server.peer = server, client
        connection.update_sinks()
        if client.is_blocked:
            self.defer(self.slow_path.resume, server)

    def _watch_room(self, end: End) -> None:
        """Most clients never get full: only one that does is told of room, from then on."""
        if not end.is_room_watched:
            end.is_room_watched = True
            self._poller.modify(end.fd, ARRIVALS_AND_ROOM)  # also reports room that came meanwhile

    def run(self, until: float = 0.0) -> bool:
        """Serve until nothing more comes or the turn is over; True if work is left.

        `until` is when the outer loop must have its turn, on the monotonic clock; else that is in TURN.
        """
        slow_path, poll, linger, wait = self.slow_path, self._poller.poll, self._linger, 0.0
        self._until = until or monotonic() + TURN
        self._deferred, self._removed = [], []
        try:
            while (events := poll(wait, BATCH)) or slow_path.bulk:
                self.now = now = monotonic()
                self._send(self._receive(events))
                if self._deferred:
                    self._do_deferred()
                if slow_path.bulk:
                    slow_path.turn()
                if self._removed or self._deferred:
                    self._flush()
                if now >= self._until:
                    break
                wait = 0.0 if slow_path.bulk else min(linger, self._until - now)
        finally:
            self._deferred = self._removed = _OUTSIDE
        return bool(slow_path.bulk)

    def _interrupt(self) -> None:
        self._until = 0.0

    def _flush(self) -> None:
        self._do_deferred()
        for end in self._removed:
            end.close()
        self._removed.clear()

    def _do_deferred(self) -> None:
        while self._deferred:
            deferred, self._deferred = self._deferred, []
            for act, end in deferred:
                if self._ends.get(end.fd) is end:
                    act(end)

    def _receive(self, events: list[tuple[int, int]]) -> list[tuple[End, End, bytes]]:
        """Return what has arrived and needs nothing but to be sent on: from which end, to which. Do all the rest."""
        arrived = []
        get, on_event = self._ends.get, self.slow_path.on_event
        for fd, event in events:
            end = get(fd)
            if end is None:
                if fd in self._acceptors:  # else it was removed earlier in this batch
                    self._acceptors[fd]()
                continue
            sink = end.sink
            if sink is None or event & UNUSUAL:
                on_event(end, event)
                continue
            if not event & READABLE:
                continue
            try:
                data = end.recv(SMALL)
            except BlockingIOError:
                continue
            except OSError as error:
                end.connection.service.on_lost(end, error)
                continue
            end.received += len(data)
            arrived.append((end, sink, data))
        return arrived

    def _send(self, arrived: list[tuple[End, End, bytes]]) -> None:
        for end, sink, data in arrived:
            if end.connection.phase is not RELAYING:  # closed later in this batch
                continue
            try:
                sent = sink.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                end.connection.service.on_lost(sink, error)
                continue
            size = len(data)
            if sent < size:
                self.slow_path.hold_back(end, data[sent:])
            elif size == SMALL:
                self.slow_path.promote(end)
