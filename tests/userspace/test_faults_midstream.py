"""What breaks while bytes flow: a break is seen as a break on the other side, never as an end."""

import asyncio
import errno

import pytest

from lbproxy.dataplanes.userspace.shared.reasons import Closed

from .harness import Harness
from .peers import converse, until

PLENTY = bytes(1 << 20)


async def test_backend_reset_midstream_closes_client_and_frees_lease(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    await server.send(b"half an ans")
    await client.hears(b"half an ans")
    server.reset()
    await client.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"backend_reset": 1}


async def test_client_reset_midstream_closes_backend_and_frees_lease(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    client.reset()
    await server.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"client_reset": 1}


async def test_client_that_closes_with_an_answer_unread_resets_the_backend(harness: Harness) -> None:
    """The kernel makes a reset of it, and so do we."""
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await client.send(b"question")
    await server.hears(b"question")
    await server.send(b"answer")
    await until(lambda: not client.hears_nothing())
    client.close()
    await server.hears_reset()
    await harness.idles()
    assert harness.closed(backend) == {"client_reset": 1}


async def test_what_came_before_a_reset_and_the_reset_in_one_go(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    server.send_now(b"last words")
    server.reset()
    await client.receive_until_reset()
    await harness.idles()
    assert harness.closed(backend) == {"backend_reset": 1}


@pytest.mark.parametrize("is_client", [True, False], ids=["client", "server"])
async def test_reset_of_a_blocked_stream_is_noticed_at_once(harness: Harness, is_client: bool) -> None:  # noqa: FBT001 - a case
    """Its peer does not read, so nothing is read from it: only epoll can tell."""
    backend = harness.backend()
    client, server = await harness.pair(backend)
    sender, reader = (client, server) if is_client else (server, client)
    sending = sender.sending(64 * PLENTY)
    await until(lambda: _is_blocked(harness))
    await sender.break_off(sending)
    await until(lambda: not harness.connections or harness.connections[0].ending is not None)
    ticking = asyncio.create_task(harness.tick())
    await reader.receive_until_reset()
    await harness.idles()
    ticking.cancel()
    assert harness.closed(backend) == {"client_reset" if is_client else "backend_reset": 1}


@pytest.mark.parametrize("is_client", [True, False], ids=["client", "server"])
async def test_reset_by_a_side_that_never_reads_stops_the_sender(harness: Harness, is_client: bool) -> None:  # noqa: FBT001 - a case
    backend = harness.backend()
    client, server = await harness.pair(backend)
    sender, reader = (server, client) if is_client else (client, server)
    sending = sender.sending(64 * PLENTY)
    await until(lambda: _is_blocked(harness))
    reader.reset()
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        await sending
    await harness.idles()
    assert harness.closed(backend) == {"client_reset" if is_client else "backend_reset": 1}


async def test_bulk_that_breaks_off_is_a_reset(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    sending = server.sending(8 * PLENTY)
    assert await client.receive(1000) == bytes(1000)
    await server.break_off(sending)
    await client.receive_until_reset()
    await harness.idles()
    assert harness.closed(backend) == {"backend_reset": 1}


async def test_resets_on_both_sides_in_one_batch_end_it_once(harness: Harness) -> None:
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    client.reset()
    server.reset()
    await harness.idles()
    assert sum(harness.stats(backend).closed.values()) == 1


@pytest.mark.parametrize(("is_server", "code", "reason"), [
    (True, errno.ETIMEDOUT, Closed.BACKEND_TIMEOUT), (False, errno.ETIMEDOUT, Closed.CLIENT_TIMEOUT),
    (True, errno.EHOSTUNREACH, Closed.BACKEND_TIMEOUT), (False, errno.ENETUNREACH, Closed.CLIENT_TIMEOUT),
    (True, errno.EPIPE, Closed.BACKEND_RESET), (False, errno.ECONNRESET, Closed.CLIENT_RESET),
])
async def test_what_the_kernel_says_of_a_dead_host_is_the_reason(
        harness: Harness, is_server: bool, code: int, reason: Closed) -> None:  # noqa: FBT001 - cases
    """Loopback never falls silent, so the kernel's verdict is handed in."""
    backend = harness.backend()
    client, server = await harness.pair(backend)
    await converse(client, server)
    connection = harness.connections[0]
    with harness.engine._byte_loop.batch():
        connection.service.on_lost(connection.server if is_server else connection.client, OSError(code, "handed in"))
    await client.hears_reset()
    await server.hears_reset()
    assert harness.closed(backend) == {reason.label: 1}


def _is_blocked(harness: Harness) -> bool:
    return any(end.is_blocked for connection in harness.connections for end in (connection.client, connection.server))
