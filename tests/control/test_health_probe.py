"""One check: connect and hang up, against real sockets."""

import asyncio
import time

import pytest

from lbproxy.control.health import probe
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
