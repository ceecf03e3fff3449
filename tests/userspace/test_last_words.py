"""An end that breaks may have spoken before: what it had sent arrives, whatever call found the error."""

import asyncio
import errno
import struct
from collections.abc import Callable
from fcntl import ioctl
from termios import TIOCOUTQ

import pytest

from .backends import Backend
from .harness import Harness
from .peers import Peer, converse, until
from .pressure import MEGABYTE, fill, repeated

SIZES = (0, 1, 100, 16_384, 65_536, 250_000, 500_000, 1_000_000)
UPLOAD = bytes(64 << 10)


def unacked(peer: Peer) -> int:
    """Bytes that have not arrived at the proxy yet."""
    return int(struct.unpack("i", ioctl(peer.sock, TIOCOUTQ, bytes(4)))[0])


async def answer_and_close(server: Peer, answer: bytes) -> None:
    """Send it, and when the proxy's kernel has it, close with the request unread: a reset follows."""
    await server.send(answer)
    await until(lambda: unacked(server) == 0)
    assert not server.hears_nothing(), "there is something unread"
    server.close()


def _has_come(peer: Peer) -> Callable[[], bool]:
    return lambda: not peer.hears_nothing()


async def receive_all(client: Peer) -> bytes:
    """What comes until the end or the reset, in whatever part a reset leaves it readable."""
    received = bytearray()
    loop = asyncio.get_running_loop()
    while True:
        try:
            part = await loop.sock_recv(client.sock, 1 << 16)
        except ConnectionResetError:
            return bytes(received)
        if not part:
            return bytes(received)
        received += part


async def upload_until_reset(client: Peer) -> None:
    try:
        while True:
            await client.send(UPLOAD)
    except OSError as error:
        assert error.errno in {errno.ECONNRESET, errno.EPIPE}  # noqa: PT017 - either is a reset


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("upload", ["small", "unread", "endless"])
async def test_answer_of_a_backend_that_closes_with_the_request_unread_arrives_whole(
        harness: Harness, size: int, upload: str) -> None:
    """HTTP 413, SMTP 5xx, "too many connections": a small request, one that fills all buffers, one that goes on."""
    answer = MEGABYTE[:size]
    backend = harness.backend()
    for _ in range(5):
        client, server = await harness.pair(backend)
        await client.send(b"POST")
        await until(_has_come(server))
        ticking = asyncio.create_task(harness.tick())
        uploading = None
        if upload == "endless":
            uploading = asyncio.create_task(upload_until_reset(client))
        elif upload == "unread":
            await fill(harness, client)
        receiving = asyncio.create_task(receive_all(client))
        await answer_and_close(server, answer)
        assert await receiving == answer
        if uploading:
            client.close()
            uploading.cancel()
        client.close()
        await until(lambda: not len(harness.engine))
        ticking.cancel()
    assert harness.closed(backend).keys() <= {"backend_reset", "client_reset"}


@pytest.mark.parametrize("is_client", [True, False], ids=["client", "server"])
@pytest.mark.parametrize("receive_buffer", [0, 4096])
async def test_what_a_blocked_end_had_sent_before_it_broke_arrives(
        harness: Harness, is_client: bool, receive_buffer: int) -> None:  # noqa: FBT001 - a case
    """Its peer reads only when the end that broke is long gone: what it sent waits here and in the kernel."""
    backend = harness.backend()
    client = harness.client(receive_buffer)
    server = await backend.accept()
    await converse(client, server)
    sender, reader = (client, server) if is_client else (server, client)
    sent = await fill(harness, sender)
    arrived = sent - unacked(sender)
    sender.reset()
    await until(lambda: not harness.connections or harness.connections[0].ending is not None)
    ticking = asyncio.create_task(harness.tick())
    received = await receive_all(reader)
    assert received == repeated(len(received))
    assert len(received) >= arrived
    await until(lambda: not len(harness.engine))
    ticking.cancel()
    assert harness.closed(backend) == {"client_reset" if is_client else "backend_reset": 1}


async def test_banner_of_a_backend_that_resets_at_once_arrives(harness: Harness) -> None:
    """It is connected, has spoken and is broken again before the first look at it."""
    backend = harness.add(Backend())
    client = harness.client()
    await until(lambda: harness.stats(backend).active == 1)
    server = await backend.accept()
    server.send_now(b"421 too many connections")
    server.reset()
    assert await receive_all(client) == b"421 too many connections"
    await until(lambda: _is_over(harness))
    assert (harness.closed(backend), harness.failed(backend)) == ({"backend_reset": 1}, {})


async def test_answer_whose_end_was_read_arrives_when_the_rest_of_the_upload_breaks(harness: Harness) -> None:
    """The backend answers and ends its stream; what the client still sends then meets a reset."""
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await client.send(b"POST")
    await server.hears(b"POST")
    server.send_now(MEGABYTE[:100_000])
    await until(lambda: unacked(server) == 0)
    server.close()
    uploading = asyncio.create_task(upload_until_reset(client))
    assert await receive_all(client) == MEGABYTE[:100_000]
    uploading.cancel()
    client.close()
    await until(lambda: _is_over(harness))


async def test_both_ends_break_while_last_words_wait(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    await fill(harness, server)
    server.reset()
    await until(lambda: harness.connections[0].ending is not None)
    client.reset()
    await harness.idles()
    assert harness.closed(backend) == {"backend_reset": 1}


async def test_last_words_that_nobody_takes_end_with_the_half_close_timeout(harness: Harness) -> None:
    harness.change(half_close_timeout=10.0)
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    await fill(harness, server)
    server.reset()
    await until(lambda: harness.connections[0].ending is not None)
    harness.pass_time(9.0)
    assert len(harness.engine) == 1
    for _ in range(3):
        harness.pass_time(10.0)
    await harness.idles()
    assert harness.closed(backend) == {"backend_reset": 1}
    client.close()


def _is_over(harness: Harness) -> bool:
    harness.pass_time(0.0)
    return not len(harness.engine)
