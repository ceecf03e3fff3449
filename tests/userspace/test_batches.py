"""A batch of events is read first, then sent on, then dialed: much may happen to a connection in between."""

from socket import AF_INET, SOCK_STREAM

import pytest

from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.connection import End
from lbproxy.dataplanes.userspace.worker.pending_connections import EJECT_AFTER

from .backends import Refusing
from .harness import Harness
from .peers import converse, until
from .resources import open_sockets


async def test_question_and_the_reset_of_its_backend_in_one_batch(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    client.send_now(b"question")
    server.reset()
    await client.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"backend_reset": 1}


async def test_question_and_answer_that_cross_in_one_batch(harness: Harness) -> None:
    client, server = await harness.pair(harness.backend())
    await converse(client, server)
    client.send_now(b"question")
    server.send_now(b"news")
    await server.hears(b"question")
    await client.hears(b"news")


async def test_question_and_the_end_of_its_backends_stream_in_one_batch(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    client.send_now(b"question")
    server.send_now(b"last words")
    server.finish()
    await server.hears(b"question")
    await client.hears(b"last words")
    await client.hears_end()
    client.finish()
    await harness.idles()
    assert harness.closed(backend) == {"finished": 1}


async def test_question_that_came_with_the_handshake_and_a_welcome_cross(harness: Harness) -> None:
    """What the client had sent before its backend was there is put off; what the backend says at once is not."""
    backend, client = harness.backend(), harness.client()
    client.send_now(b"question")
    server = await backend.accept()
    await server.send(b"welcome")
    await server.hears(b"question")
    await client.hears(b"welcome")


def test_end_that_is_removed_meanwhile_is_not_dialed() -> None:
    byte_loop, done = ByteLoop(), list[End]()
    end = End(AF_INET, SOCK_STREAM)
    end.fd = end.fileno()
    with byte_loop.batch():
        byte_loop.track(end)
        byte_loop.defer(done.append, end)
        byte_loop.remove(end)
    assert done == []
    assert end.fileno() == -1
    byte_loop.close()


def test_batch_within_a_batch_closes_nothing() -> None:
    """Numbers of sockets must not be reused while events of the outer one are still to be served."""
    byte_loop, end = ByteLoop(), End(AF_INET, SOCK_STREAM)
    end.fd = end.fileno()
    with byte_loop.batch():
        byte_loop.track(end)
        with byte_loop.batch():
            byte_loop.remove(end)
        assert end.fileno() == end.fd
    assert end.fileno() == -1
    byte_loop.close()


def test_outside_a_batch_nothing_can_be_deferred_or_removed() -> None:
    """It would wait for an event that may never come."""
    byte_loop, end = ByteLoop(), End(AF_INET, SOCK_STREAM)
    end.fd = end.fileno()
    byte_loop.track(end)
    with pytest.raises(RuntimeError, match="batch"):
        byte_loop.defer(print, end)
    with pytest.raises(RuntimeError, match="batch"):
        byte_loop.remove(end)
    end.close()
    byte_loop.close()


async def test_main_process_that_is_gone_when_it_is_told_of_a_failing_backend_closes_nothing_amid_the_batch(
        harness: Harness) -> None:
    """The worker stops accepting then, from within a batch that has closed sockets already."""
    harness.add(Refusing())
    open_then = list[tuple[int, int]]()

    def report(*_: object) -> None:
        before = open_sockets()
        harness.engine.stop_accepting()
        open_then.append((before - 1, open_sockets()))  # the listening socket is given back

    harness.engine._report = report
    clients = [harness.client() for _ in range(EJECT_AFTER)]
    for client in clients:
        await client.hears_reset()
    assert [before for before, _ in open_then] == [after for _, after in open_then] != []


async def test_who_waited_in_the_queue_is_dialed_before_the_change_is_done(harness: Harness) -> None:
    """Not when the next tick comes by."""
    harness.change(max_conns=1)
    backend = harness.backend()
    await harness.pair(backend)
    harness.client()
    await until(lambda: harness.service.queued == 1)
    harness.change(max_conns=2)
    assert backend.is_called()
