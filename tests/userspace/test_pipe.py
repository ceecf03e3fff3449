"""A pipe moves what a socket has to another, and never gives to one what was for another."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lbproxy.dataplanes.userspace.worker import pipe
from lbproxy.dataplanes.userspace.worker.pipe import CHUNK, MOST, Pipe, Pipes

TEXT = b"what was sent"


class Wire:
    """Two connections: what is sent at one end of the first comes out of the second, through a pipe."""

    def __init__(self) -> None:
        self.sender, self.source = _connected()
        self.drain, self.receiver = _connected()

    def close(self) -> None:
        """Close all."""
        for sock in (self.sender, self.source, self.drain, self.receiver):
            sock.close()


def _connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    for sock in (one, other):
        sock.setblocking(False)  # noqa: FBT003 - its only argument
    return one, other


@pytest.fixture
def wire() -> Iterator[Wire]:
    with closing(Wire()) as wire:
        yield wire


def descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def stuffed(wire: Wire, one: Pipe) -> Pipe:
    """Fill the pipe, and the socket that it goes to."""
    while one.pour(wire.drain.fileno()):
        wire.sender.send(bytes(CHUNK))
        one.fill(wire.source.fileno())
    return one


def test_what_a_socket_has_comes_out_of_the_other(wire: Wire) -> None:
    one = Pipe.made()
    wire.sender.send(TEXT)
    assert one.fill(wire.source.fileno()) == len(one) == len(TEXT)
    assert one.pour(wire.drain.fileno())
    assert (wire.receiver.recv(100), len(one)) == (TEXT, 0)


def test_empty_socket_is_said_as_recv_does(wire: Wire) -> None:
    with pytest.raises(BlockingIOError):
        Pipe.made().fill(wire.source.fileno())


def test_end_of_the_stream_is_said_as_recv_does(wire: Wire) -> None:
    wire.sender.shutdown(socket.SHUT_WR)
    assert Pipe.made().fill(wire.source.fileno()) == 0


def test_full_socket_leaves_the_rest_in_the_pipe(wire: Wire) -> None:
    one = stuffed(wire, Pipe.made())
    left = len(one)
    assert 0 < left <= CHUNK
    while not one.pour(wire.drain.fileno()):
        wire.receiver.recv(CHUNK)
    assert len(one) == 0


def test_urgent_byte_stays_in_the_socket(wire: Wire) -> None:
    wire.sender.send(b"before")
    wire.sender.send(b"!", socket.MSG_OOB)
    one = Pipe.made()
    assert one.fill(wire.source.fileno()) == len(b"before")
    one.take()
    with pytest.raises(BlockingIOError):
        one.fill(wire.source.fileno())


def test_pipe_that_nobody_holds_is_closed() -> None:
    before = descriptors()
    one = Pipe.made()
    assert descriptors() == before + 2
    del one
    assert descriptors() == before


def test_pipe_of_a_user_who_may_have_no_larger_one_works(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(pipe, "fcntl", refuse)
    one = Pipe.made()
    wire.sender.send(TEXT)
    assert one.fill(wire.source.fileno()) == len(TEXT)


def test_what_is_set_aside_is_the_pipe_and_another_is_at_hand(wire: Wire) -> None:
    pipes = Pipes()
    wire.sender.send(TEXT)
    pipes.at_hand.fill(wire.source.fileno())
    aside = pipes.set_aside()
    assert isinstance(aside, Pipe)
    assert (aside.take(), len(pipes.at_hand)) == (TEXT, 0)


def test_pipe_that_came_back_is_used_again() -> None:
    pipes = Pipes()
    aside = pipes.set_aside()
    assert isinstance(aside, Pipe)
    pipes.take_back(aside)
    before = descriptors()
    pipes.set_aside()
    assert pipes.at_hand is aside
    assert descriptors() <= before


def test_when_all_pipes_are_set_aside_what_comes_is_copied(wire: Wire) -> None:
    pipes = Pipes()
    aside = [pipes.set_aside() for _ in range(MOST - 1)]
    wire.sender.send(TEXT)
    pipes.at_hand.fill(wire.source.fileno())
    assert pipes.set_aside() == TEXT
    del aside[0]
    assert isinstance(pipes.set_aside(), Pipe)


def test_when_no_descriptor_is_left_what_comes_is_copied(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    pipes = Pipes()
    wire.sender.send(TEXT)
    pipes.at_hand.fill(wire.source.fileno())
    monkeypatch.setattr(os, "pipe2", refuse)
    assert pipes.set_aside() == TEXT


def test_what_is_spilled_is_gone(wire: Wire) -> None:
    pipes = Pipes()
    stuffed(wire, pipes.at_hand)
    pipes.spill()
    assert pipes.at_hand.take() == b""
