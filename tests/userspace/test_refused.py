"""What only saves work may be refused by the kernel (seccomp, gVisor): then bytes are relayed without it."""

import errno
import os
import socket
from typing import NoReturn

import pytest

from lbproxy.dataplanes.userspace.preflight.bulk import bulk
from lbproxy.dataplanes.userspace.shared import counters, wire
from lbproxy.dataplanes.userspace.shared.relay_path import REFUSALS, splice_refusal
from lbproxy.model.finding import Verdict
from lbproxy.net import socket_options
from lbproxy.net.socket_options import ACK_WITH_DATA, usable

from .harness import Harness, opened
from .peers import converse, until
from .pressure import MEGABYTE

BULK = 4 * MEGABYTE
REFUSED = pytest.mark.parametrize("code", sorted(REFUSALS), ids=errno.errorcode.get)


def refusing(code: int) -> NoReturn:
    raise OSError(code, os.strerror(code))


async def relays_bulk(harness: Harness) -> None:
    """Both ways, to readers that are slow at first."""
    client, server = await harness.pair(harness.backend())
    up, down = client.sending(BULK), server.sending(BULK)
    await until(lambda: any(end.is_blocked for one in harness.connections for end in (one.client, one.server)))
    await server.hears(BULK)
    await client.hears(BULK)
    await up
    await down


def reasons(harness: Harness) -> list[object]:
    return [fields["reason"] for event, fields in harness.reports if event == wire.COPYING]


def is_copying(harness: Harness) -> bool:
    return bool(harness.blocks[0][counters.IS_COPYING])


async def test_where_splice_works_it_is_used(harness: Harness) -> None:
    await relays_bulk(harness)
    assert (reasons(harness), is_copying(harness)) == ([], False)


@REFUSED
async def test_splice_that_is_refused_from_the_start_is_replaced_by_copying(
        code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "splice", lambda *_, **__: refusing(code))
    async with opened() as harness:
        assert (reasons(harness), is_copying(harness)) == ([os.strerror(code)], True)
        await relays_bulk(harness)


@REFUSED
@pytest.mark.parametrize("after", [0, 1, 2, 5, 20])
async def test_splice_that_is_refused_later_loses_nothing(
        harness: Harness, code: int, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel may allow it for other sockets than TCP's, or one way only."""
    splice, calls = os.splice, iter(range(after))

    def sometimes(*args: int, **flags: int) -> int:
        if next(calls, None) is None:
            refusing(code)
        return splice(*args, **flags)

    monkeypatch.setattr(os, "splice", sometimes)
    await relays_bulk(harness)
    assert (reasons(harness), is_copying(harness)) == ([os.strerror(code)], True)


async def test_python_without_splice_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "splice")
    async with opened() as harness:
        await relays_bulk(harness)
        assert reasons(harness) == ["this Python has no os.splice"]


async def test_pipes_that_are_refused_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pipe2", lambda _: refusing(errno.EPERM))
    async with opened() as harness:
        await relays_bulk(harness)
        assert reasons(harness) == ["Operation not permitted"]


async def test_socket_option_that_only_saves_a_packet_may_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(socket_options, "_is_usable", lambda *_: False)
        usable.cache_clear()
        async with opened() as harness:
            backend, client = harness.backend(), harness.client()
            client.send_now(b"question")
            server = await backend.accept()
            await server.hears(b"question")
            await converse(client, server)
            harness.pass_time(0.0)
            await converse(client, server)
    usable.cache_clear()


def test_what_can_be_set_is_found_by_trying() -> None:
    unknown = (socket.IPPROTO_TCP, 9999, 1)
    usable.cache_clear()
    assert usable((*ACK_WITH_DATA, unknown)) == ACK_WITH_DATA


def test_doctor_says_which_path_is_used() -> None:
    assert splice_refusal() == ""
    assert (bulk().verdict, bulk().seen) == (Verdict.OK, "splice")
    refused = bulk(lambda: "Operation not permitted")
    assert refused.verdict is Verdict.IMPROVABLE
    assert refused.seen == "copied, as splice is refused: Operation not permitted"
