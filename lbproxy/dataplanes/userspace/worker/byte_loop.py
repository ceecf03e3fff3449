"""The byte loop: what arrives on one end of a connection is sent on at the other.

One private epoll set per worker, whose descriptor is all that the asyncio loop knows. Every socket is
registered once, edge-triggered. `run` is the one place where speed may cost elegance:
what that buys is in bench/RESULTS.md.

What leaves leaves together: whoever takes a packet on another CPU need not be woken for the next one (bench/NOTES.md).
So all of a batch of events is read first, then sent on, and then the backends of new clients are dialed.
"""

import select
from collections.abc import Callable
from math import inf
from socket import MSG_DONTWAIT
from time import monotonic

from lbproxy.dataplanes.userspace.worker.connection import End
from lbproxy.dataplanes.userspace.worker.slow_path import (
    PEER_CLOSED,
    READABLE,
    RELAYING,
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
"""Seconds to wait for more inside a turn: under load it saves the outer loop's own epoll_wait. It is for a loop that
others share: to arm so short a timer for each wait costs 3 µs (bench/NOTES.md)."""
TURN = 0.010
"""Seconds after which the outer loop gets its turn, whatever is going on."""


class ByteLoop:
    """All sockets of one worker process."""

    def __init__(self) -> None:
        self.now = monotonic()
        """When the current batch of events was taken: good enough for every duration."""
        self._poller = select.epoll()
        self.pump = SlowPath(self._watch_room)
        self._register = self._poller.register
        self._ends: dict[int, End] = {}
        self._acceptors: dict[int, Callable[[], None]] = {}
        self._removed: list[End] = []
        self._put_off: list[tuple[Callable[[End], None], End]] = []
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
        self.settle()
        self.pump.close()
        self._poller.close()

    def listen(self, fd: int, accept: Callable[[], None]) -> None:
        """Call `accept` whenever clients wait at this listening socket."""
        self._acceptors[fd] = accept
        self._poller.register(fd, READABLE)

    def unlisten(self, fd: int) -> None:
        """Take no more clients from this listening socket; they go on queueing in the kernel."""
        del self._acceptors[fd]
        self._poller.unregister(fd)

    def own_loop(self, others: int) -> None:
        """Nobody else uses the loop, but for this descriptor and timers: `run` lingers until one of them is due."""
        self._linger = inf
        self.listen(others, self._interrupt)

    def share_loop(self, others: int) -> None:
        """Others use the loop again: look no more at this descriptor, and linger for a moment only."""
        self._linger = LINGER
        self.unlisten(others)

    def add(self, end: End) -> None:
        """Watch a new end for what arrives."""
        self._ends[end.fd] = end
        self._register(end.fd, ARRIVALS)

    def hold(self, end: End) -> None:
        """Count a new end, which is not watched yet."""
        self._ends[end.fd] = end

    def watch_dialing(self, end: End) -> None:
        """Watch an end that is held, also for its being connected."""
        end.is_room_watched = True
        self._register(end.fd, ARRIVALS_AND_ROOM)

    def put_off(self, act: Callable[[End], None], end: End) -> None:
        """Do this when the whole batch has been read, unless the end is removed before."""
        self._put_off.append((act, end))

    def remove(self, end: End) -> None:
        """Forget an end. It is closed when the batch is done: its number must not be reused before."""
        del self._ends[end.fd]
        self._removed.append(end)

    def settle(self) -> None:
        """Do what was put off, close what was removed. `run` does so itself; whoever does either outside calls this."""
        self._catch_up()
        for end in self._removed:
            end.close()
        self._removed.clear()

    def join(self, client: End, server: End) -> None:
        """Both are connected: relay from now on, first what the client may have sent already."""
        client.peer, server.peer = server, client
        if client.is_blocked:
            self.put_off(self.pump.feed, server)
        else:
            client.sink, server.sink = server, client

    def _watch_room(self, end: End) -> None:
        """Most clients never get full: only one that does is told of room, from then on."""
        if not end.is_room_watched:
            end.is_room_watched = True
            self._poller.modify(end.fd, ARRIVALS_AND_ROOM)  # also reports room that came meanwhile

    def run(self, until: float = 0.0) -> bool:
        """Serve until nothing more comes or the turn is over; True if work is left.

        `until` is when the outer loop must have its turn, on the monotonic clock; else that is in TURN.
        """
        pump, poll, linger, wait = self.pump, self._poller.poll, self._linger, 0.0
        self._until = until or monotonic() + TURN
        while (events := poll(wait, BATCH)) or pump.bulk:
            self.now = now = monotonic()
            self._serve(events)
            if pump.bulk:
                pump.turn()
            if self._removed or self._put_off:
                self.settle()
            if now >= self._until:
                break
            wait = 0.0 if pump.bulk else min(linger, self._until - now)
        return bool(pump.bulk)

    def _interrupt(self) -> None:
        self._until = 0.0

    def _serve(self, events: list[tuple[int, int]]) -> None:
        """Do what the events say."""
        self._send(self._receive(events))
        self._catch_up()

    def _catch_up(self) -> None:
        while self._put_off:
            batch, self._put_off = self._put_off, []
            for act, end in batch:
                if self._ends.get(end.fd) is end:
                    act(end)

    def _receive(self, events: list[tuple[int, int]]) -> list[tuple[End, End, bytes]]:
        """Return what has arrived and needs nothing but to be sent on: from whom, to whom. Do all the rest."""
        arrived = []
        get, on_event = self._ends.get, self.pump.on_event
        for fd, event in events:
            end = get(fd)
            if end is None:
                if fd in self._acceptors:  # else it was closed earlier in this batch
                    self._acceptors[fd]()
                continue
            sink = end.sink
            if sink is None or event & UNUSUAL:
                on_event(end, event)
                continue
            if not event & READABLE:
                continue
            try:
                data = end.recv(SMALL, MSG_DONTWAIT)
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
                sent = sink.send(data, MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                end.connection.service.on_lost(sink, error)
                continue
            size = len(data)
            if sent < size:
                self.pump.keep(end, data[sent:])
            elif size == SMALL:
                self.pump.promote(end)
