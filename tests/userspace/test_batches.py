"""A batch of events is read first, then sent on, then dialed: much may happen to a connection in between."""

from socket import SOCK_STREAM

from lbproxy.dataplanes.userspace.worker.byte_loop import ByteLoop
from lbproxy.dataplanes.userspace.worker.connection import Connection, End
from lbproxy.dataplanes.userspace.worker.dialing import prepare

from .harness import Harness
from .peers import converse, until


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


async def test_end_that_is_removed_meanwhile_is_not_dialed(harness: Harness) -> None:
    backend, relay, done = harness.backend(), ByteLoop(), list[End]()
    client = End(backend.address.family, SOCK_STREAM)
    connection = Connection(next(iter(harness.engine._services.values())), 0.0)
    connection.client = client
    client.adopt(connection, client.fileno())
    prepare(relay, connection, backend.address.family)
    relay.put_off(done.append, connection.server)
    relay.remove(connection.server)
    relay.settle()
    assert done == []
    assert connection.server.fileno() == -1
    client.close()
    relay.close()


async def test_who_waited_in_the_queue_is_dialed_before_the_change_is_done(harness: Harness) -> None:
    """Not when the next tick comes by."""
    harness.change(max_conns=1)
    backend = harness.backend()
    await harness.pair(backend)
    harness.client()
    await until(lambda: harness.service.queued == 1)
    harness.change(max_conns=2)
    assert backend.is_called()
