"""One check: connect and hang up, against real sockets."""

import asyncio
import errno
import os
import resource
import socket
import time

import pytest

from lbproxy.control import health
from lbproxy.control.health import CheckNotMadeError, probe
from lbproxy.model.address import Address
from tests.support.patience import PATIENCE

from .peers import black_hole, listening, silent_port


async def test_backend_that_accepts_is_alive() -> None:
    with silent_port() as address:
        async with listening(address):
            assert await probe(address, 5.0) is None


async def test_backend_on_ipv6_is_alive() -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "::1", 0) as server:
        assert await probe(Address("::1", server.sockets[0].getsockname()[1]), 5.0) is None


async def test_check_ends_in_a_reset_and_leaves_nothing_behind() -> None:
    with silent_port() as address:
        async with listening(address) as left, asyncio.timeout(PATIENCE):
            await probe(address, 5.0)
            assert await left.get() == "reset"


async def test_backend_that_does_not_listen_is_refused() -> None:
    with silent_port() as address:
        assert await probe(address, 5.0) == "refused"


async def test_backend_that_does_not_answer_times_out() -> None:
    with black_hole() as address:
        before = time.monotonic()
        assert await probe(address, 0.05) == "timeout"
        assert 0.04 < time.monotonic() - before < PATIENCE


@pytest.mark.parametrize(("address", "why"), [
    (Address("255.255.255.255", 80), "unreachable"),
    (Address("127.0.0.1", 0), "refused"),
])
async def test_address_that_cannot_be_reached_says_why(address: Address, why: str) -> None:
    assert await probe(address, 5.0) == why


async def test_check_that_is_cancelled_is_no_verdict() -> None:
    with black_hole() as address:
        task = asyncio.create_task(probe(address, 5.0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


OURS = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EPERM, errno.EACCES]


@pytest.mark.parametrize("code", OURS, ids=errno.errorcode.get)
async def test_what_connect_says_of_our_own_host_is_no_verdict(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: code)
    with pytest.raises(CheckNotMadeError, match=os.strerror(code)):
        await probe(Address("127.0.0.1", 1), 5.0)


async def test_check_without_a_descriptor_is_no_verdict() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(CheckNotMadeError, match="Too many open files"):
            await probe(Address("127.0.0.1", 1), 5.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_what_a_firewall_on_the_way_says_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """ICMPv6 "administratively prohibited" is EACCES too, but comes after connect() has returned."""
    async def prohibited(*_: object) -> int:
        return errno.EACCES

    monkeypatch.setattr(health, "_connect", prohibited)
    assert await probe(Address("127.0.0.1", 1), 5.0) == "Permission denied"
