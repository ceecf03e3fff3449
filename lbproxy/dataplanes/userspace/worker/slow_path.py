"""Everything about moving bytes that is not the common case: full buffers, bulk, ends of stream, urgent data.

A stream that fills a small read becomes bulk: it gets one turn of CHUNK after another, through a pipe, and between two
turns everybody else is served. What the peer does not take is held back, and reading stops until it is gone: a slow
reader costs at most one CHUNK here, and its sender is stopped by the kernel.

Last words: an end that broke may have sent something before, as a server that refuses an upload and closes. The kernel
keeps it until it is read, whatever call found the error. So it is relayed as ever, while what the other end sends is
read and dropped (it may not read before it has sent all), and the connection closes when all has been acknowledged.
"""

import select
from collections import deque
from collections.abc import Callable
from socket import MSG_MORE, SHUT_WR, SO_ERROR, SOL_SOCKET

from lbproxy.dataplanes.userspace.shared.reasons import FINISHED, Closed
from lbproxy.dataplanes.userspace.shared.relay_path import REFUSALS, splice_refusal
from lbproxy.dataplanes.userspace.worker.connection import RELAYING, End
from lbproxy.dataplanes.userspace.worker.pipe import CHUNK, Pipe, Pipes

READABLE, WRITABLE, PEER_CLOSED = select.EPOLLIN, select.EPOLLOUT, select.EPOLLRDHUP
URGENT, ERROR, HANGUP = select.EPOLLPRI, select.EPOLLERR, select.EPOLLHUP
UNUSUAL = PEER_CLOSED | URGENT | ERROR | HANGUP
UNTIL_EMPTY = URGENT | ERROR | HANGUP
ARRIVAL = READABLE | UNUSUAL
LAST = MSG_MORE
"""Flag of a stream's last bytes: its end follows at once and goes into the same segment."""

SMALL = 16 * 1024
"""Bytes read at once until a stream proves to be bulk. Smaller reads, and `recv_into` one buffer, gained nothing."""


def _ignore(_why: str) -> None:
    pass


class SlowPath:
    """Moves bytes between the ends of connections, a step at a time. `watch_room` asks for an end's WRITABLE."""

    def __init__(self, watch_room: Callable[[End], None]) -> None:
        self._watch_room = watch_room
        self.on_copying: Callable[[str], None] = _ignore
        """Told why, when the kernel refuses splice though it seemed to allow it, and bulk is copied from then on."""
        self.bulk: deque[End] = deque()
        """Ends that wait for their turn."""
        self._undelivered: list[End] = []
        """Ends that have failed and are read out, whose peer has not acknowledged everything yet."""
        self.why_copying = splice_refusal()
        """Why bulk is copied; empty while it goes through pipes."""
        self._pipes: Pipes | None = None  # shared by every connection: an idle one owns no buffer
        if not self.why_copying:
            try:
                self._pipes = Pipes()
            except OSError as error:
                self.why_copying = error.strerror or str(error)

    def close(self) -> None:
        """Give the pipes back; connections must have been closed before."""
        if self._pipes is not None:
            self._pipes.close()

    def on_event(self, end: End, event: int) -> None:
        """Do what epoll announced."""
        connection = end.connection
        if connection.phase is not RELAYING:
            connection.service.on_pending(end, event)
            return
        if event & WRITABLE and end.peer.is_blocked:
            self._unblock_peer(end)
        if event & ARRIVAL and connection.phase is RELAYING:  # the step before may have closed it
            if event & UNUSUAL:
                self.note(end, event)
            if end.is_blocked or end.has_ended:  # nothing will be read that could tell
                if event & ERROR:
                    self._report_error(end)
            elif end.is_bulk or (connection.ending is not None and not end.has_failed):
                self._queue(end)
            else:
                self.read(end)

    def resume(self, end: End) -> None:
        """Send it what its peer has sent, unless somebody has done so meanwhile."""
        if end.peer.is_blocked:
            self._unblock_peer(end)

    def read(self, end: End) -> None:
        """Relay what has arrived until nothing is left, the peer is full, or it proves to be bulk."""
        while True:
            try:
                data = end.recv(SMALL)
            except OSError as error:
                if end.has_failed:  # its error was found before, perhaps by a send, which clears it
                    self._settle(end)
                elif not isinstance(error, BlockingIOError):
                    end.connection.service.on_lost(end, error)
                return
            size = len(data)
            # Announced, and a short read came: nothing can follow. The end goes out in the same segment.
            is_last = size < SMALL and end.has_tail and not end.is_urgent
            if size and not self._pass_on(end, data, LAST if is_last else 0):
                return
            if is_last or not size:
                self._finish(end)
                return
            if size == SMALL:
                self.promote(end)
                return
            if not end.is_urgent:
                return  # edge-triggered: a short read emptied the socket, and what comes later is a new event

    def note(self, end: End, event: int) -> None:
        """Remember what an UNUSUAL event announced: edge-triggered, it is not said again."""
        end.has_tail = True
        if event & UNTIL_EMPTY:
            end.is_urgent = True

    def hold_back(self, end: End, rest: bytes | Pipe) -> None:
        """Keep `rest`, which came from `end` and which its peer did not take; read no more there until it has."""
        end.peer.unsent = rest
        end.is_blocked = True
        end.connection.update_sinks()
        self._watch_room(end.peer)

    def promote(self, end: End) -> None:
        """It filled a small read: bulk from now on."""
        end.is_bulk = True
        end.connection.update_sinks()
        self._queue(end)

    def fail(self, end: End, reason: Closed) -> None:
        """Send nothing more to an end that broke. `relay_last_words` of it must follow when the batch has been sent."""
        end.connection.ending = reason
        end.has_failed = end.is_urgent = True
        end.unsent, end.peer.is_blocked = None, False
        end.connection.update_sinks()
        self._queue(end.peer)

    def relay_last_words(self, end: End) -> None:
        """Relay what an end that has failed had sent; close the connection once it has arrived."""
        if end.has_ended:
            self._settle(end)
        elif not end.is_blocked:  # else it is read on when its peer has room
            self.read(end)

    def close_delivered(self) -> None:
        """Close the connections whose last words have been acknowledged. For each tick: no event tells of it."""
        undelivered, self._undelivered = self._undelivered, []
        for end in undelivered:
            if end.connection.phase is RELAYING:
                self._settle(end)

    def turn(self) -> None:
        """Give the bulk stream that waits longest its turn: CHUNK at most."""
        end = self.bulk.popleft()
        end.is_queued = False
        if end.connection.phase is not RELAYING:
            return
        if end.connection.ending is not None and not end.has_failed:
            self._discard(end)
        elif end.is_urgent:  # a pipe takes no urgent byte
            self._demote(end)
            self.read(end)
        elif self._pipes is None:
            self._copy(end)
        else:
            self._splice(end, self._pipes)

    def _splice(self, end: End, pipes: Pipes) -> None:
        try:
            size = pipes.at_hand.fill(end.fd)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in REFUSALS:
                self._give_up_pipes(error)
                self._copy(end)
            else:
                end.connection.service.on_lost(end, error)
            return
        end.received += size
        if not size:
            self._finish(end)
        elif self._pour(end, pipes):
            self._go_on(end, size)

    def _pour(self, end: End, pipes: Pipes) -> bool:
        """Send what is in the pipe to the peer; False as in `_pass_on`."""
        try:
            is_all = pipes.at_hand.pour(end.peer.fd)
        except OSError as error:
            if error.errno in REFUSALS:
                self._give_up_pipes(error)
                return self._send_on(end, pipes.at_hand.take(), 0)
            pipes.spill()
            end.connection.service.on_lost(end.peer, error)
            return False
        if not is_all:
            self.hold_back(end, pipes.set_aside())
        return is_all

    def _copy(self, end: End) -> None:
        """Give a bulk stream its turn without a pipe."""
        try:
            data = end.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            end.connection.service.on_lost(end, error)
            return
        if not data:
            self._finish(end)
        elif self._pass_on(end, data, 0):
            self._go_on(end, len(data))

    def _go_on(self, end: End, size: int) -> None:
        """After a turn in which `size` bytes came."""
        if size < SMALL:
            self._demote(end)
            self.read(end)  # a pipe may be full of crumbs: only an empty socket will tell of more
        else:
            self._queue(end)

    def _give_up_pipes(self, error: OSError) -> None:
        """Copy from now on. What is set aside in a pipe is sent from there, see `_send_unsent`."""
        self._pipes, self.why_copying = None, error.strerror or str(error)
        self.on_copying(self.why_copying)

    def _pass_on(self, end: End, data: bytes, flags: int) -> bool:
        """Send it to the peer; False if that ended the connection, or if the peer must take the rest first."""
        end.received += len(data)
        return self._send_on(end, data, flags)

    def _send_on(self, end: End, data: bytes, flags: int) -> bool:
        try:
            sent = end.peer.send(data, flags)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            end.connection.service.on_lost(end.peer, error)
            return False
        if sent < len(data):
            self.hold_back(end, data[sent:])
            return False
        return True

    def _queue(self, end: End) -> None:
        if not end.is_queued:
            end.is_queued = True
            self.bulk.append(end)

    def _demote(self, end: End) -> None:
        end.is_bulk = False
        end.connection.update_sinks()

    def _unblock_peer(self, end: End) -> None:
        """`end` takes bytes again: send it what was held back first, then let its peer read on."""
        if end.unsent is not None and not self._send_unsent(end, end.unsent):
            return
        peer = end.peer
        peer.is_blocked = False
        end.connection.update_sinks()
        if peer.is_bulk:
            self._queue(peer)
        else:
            self.read(peer)

    def _send_unsent(self, end: End, unsent: bytes | Pipe) -> bool:
        """Send what was held back for `end`; False if it takes not all of it, or broke."""
        if isinstance(unsent, Pipe) and self._pipes is None:  # set aside before splice was refused
            end.unsent = unsent = unsent.take()
        try:
            if isinstance(unsent, Pipe):
                if not unsent.pour(end.fd):
                    return False
                if self._pipes is not None:
                    self._pipes.take_back(unsent)
            elif (sent := end.send(unsent)) < len(unsent):
                end.unsent = unsent[sent:]
                return False
        except BlockingIOError:
            return False
        except OSError as error:
            if isinstance(unsent, Pipe) and error.errno in REFUSALS:
                self._give_up_pipes(error)
                return self._send_unsent(end, unsent)
            end.connection.service.on_lost(end, error)
            return False
        end.unsent = None
        return True

    def _finish(self, end: End) -> None:
        """Its stream has ended: pass the end on; when both have, the connection is done."""
        peer, connection = end.peer, end.connection
        if end.has_failed:
            self._settle(end)
            return
        end.has_ended = True
        if peer.has_ended:
            connection.service.close(connection, FINISHED)
            return
        connection.update_sinks()
        try:
            peer.shutdown(SHUT_WR)
        except OSError as error:
            connection.service.on_lost(peer, error)

    def _settle(self, end: End) -> None:
        """An end that has failed is read out: close, unless a reset now would drop what its peer has yet to get."""
        connection = end.connection
        end.has_ended = True
        if end.peer.unacked():
            self._undelivered.append(end)
        elif connection.ending is not None:  # always, since `fail`
            connection.service.close(connection, connection.ending)

    def _discard(self, end: End) -> None:
        """Drop what it sends: nobody is there to take it."""
        try:
            size = len(end.recv(CHUNK))
        except BlockingIOError:
            return
        except OSError as error:
            end.connection.service.on_lost(end, error)
            return
        if size:
            self._queue(end)

    def _report_error(self, end: End) -> None:
        code = end.getsockopt(SOL_SOCKET, SO_ERROR)
        end.connection.service.on_lost(end, OSError(code, "reported by epoll"))
