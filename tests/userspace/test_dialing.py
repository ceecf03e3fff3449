"""How a connection to a backend begins: with as few packets as the client's own beginning allows."""

import socket
from struct import unpack_from

from lbproxy.dataplanes.userspace.worker.connection import Connection

from .harness import Harness
from .peers import until

SEGMENTS_SENT = 136
"""Where `tcpi_segs_out` stands in `tcp_info` (linux/tcp.h)."""


def segments_sent(connection: Connection) -> int:
    info = connection.server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int(unpack_from("=I", info, SEGMENTS_SENT)[0])


async def test_what_the_client_has_sent_already_is_the_third_part_of_the_handshake(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client()
    client.send_now(b"question")
    server = await backend.accept()
    await server.hears(b"question")
    assert segments_sent(harness.connections[0]) == 2


async def test_backend_that_speaks_first_need_not_wait_for_the_third_part_of_the_handshake(harness: Harness) -> None:
    backend, client = harness.backend(), harness.client()
    await until(lambda: len(harness.connections) == 1)
    assert segments_sent(harness.connections[0]) == 2  # at once: one that is held back is so for 40 ms
    server = await backend.accept()
    await server.send(b"welcome")
    await client.hears(b"welcome")
