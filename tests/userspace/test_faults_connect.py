"""Backends that can't be reached, and clients that don't wait until they are."""

import pytest

from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.worker.pending_connections import EJECT_AFTER

from .backends import Backend, Blackhole, Refusing, Unreachable
from .bed import Bed
from .ground import needs_ipv6
from .peers import converse, part, until


async def test_no_backend_resets_the_client_at_once(bed: Bed) -> None:
    await bed.client().hears_reset()
    await bed.idles()
    assert bed.rejected() == {"no_backend": 1}


async def test_refused_connect_goes_to_the_next_backend_and_the_client_notices_nothing(bed: Bed) -> None:
    refusing, good = bed.add(Refusing()), bed.backend()
    client, server = await bed.pair(good)
    await converse(client, server)
    await part(client, server)
    await bed.idles()
    assert (bed.failed(refusing), bed.stats(refusing).retries) == ({"refused": 1}, 1)
    assert (bed.closed(good), bed.rejected()) == ({"finished": 1}, {})


async def test_unreachable_backends_are_passed_over_at_once(bed: Bed) -> None:
    """All within one accept: no event comes in between."""
    nowhere, never, good = bed.add(Unreachable()), bed.add(Unreachable()), bed.backend()
    client = bed.client()
    await converse(client, await good.accept())
    assert bed.failed(nowhere) == bed.failed(never) == {"unreachable": 1}
    assert bed.totals()["retries"] == 2


async def test_connect_timeout_goes_to_the_next_backend(bed: Bed) -> None:
    bed.change(connect_timeout=2.0)
    silent, good = bed.add(Blackhole()), bed.backend()
    client = bed.client()
    await until(lambda: bed.stats(silent).active == 1)
    bed.pass_time(1.9)
    assert not good.is_called()
    bed.pass_time(0.1)
    await converse(client, await good.accept())
    assert (bed.failed(silent), bed.stats(silent).active, bed.stats(silent).retries) == ({"timeout": 1}, 0, 1)


async def test_backend_that_never_accepts_is_connected_all_the_same(bed: Bed) -> None:
    """Its kernel shakes hands for it: what the client sent waits there, and nobody else is bothered."""
    never, client = bed.backend(), bed.client()
    await client.send(b"question")
    await until(lambda: len(bed.connections) == 1)
    never.sock.close()
    await client.hears_reset()
    await bed.idles()
    assert bed.closed(never) == {"backend_reset": 1}


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (2, 3)])
async def test_exhausted_retries_reset_the_client(bed: Bed, retries: int, attempts: int) -> None:
    bed.change(connect_retries=retries)
    for _ in range(4):
        bed.add(Refusing())
    await bed.client().hears_reset()
    await bed.idles()
    assert bed.rejected() == {"connect_failed": 1}
    assert bed.totals() == {"attempts": attempts, "failed": attempts, "closed": 0, "retries": retries}


async def test_nobody_left_to_try_resets_the_client(bed: Bed) -> None:
    """No backend is tried twice for one client, and giving up is not counted as a retry."""
    only = bed.add(Refusing())
    await bed.client().hears_reset()
    await bed.idles()
    assert bed.rejected() == {"connect_failed": 1}
    assert (bed.failed(only), bed.stats(only).retries) == ({"refused": 1}, 0)


async def test_client_gone_while_connecting_frees_the_lease(bed: Bed) -> None:
    silent, client = bed.add(Blackhole()), bed.client()
    await until(lambda: bed.stats(silent).active == 1)
    client.reset()
    await bed.idles()
    assert (bed.rejected(), bed.failed(silent)) == ({"client_gone": 1}, {})


async def test_client_that_went_on_sending_while_connecting_loses_nothing(bed: Bed) -> None:
    silent, client = bed.add(Blackhole()), bed.client()
    await until(lambda: bed.stats(silent).active == 1)
    for word in (b"one ", b"two ", b"three"):
        await client.send(word)
        bed.pass_time(0.0)
    client.finish()
    good = bed.backend()
    bed.pass_time(bed.policy.connect_timeout)
    server = await good.accept()
    await server.hears(b"one two three")
    await server.hears_end()


async def test_five_failures_in_a_row_are_reported(bed: Bed) -> None:
    bad = bed.add(Refusing())
    for _ in range(EJECT_AFTER):
        assert bed.reports == []
        await bed.client().hears_reset()
    host, port = bad.address
    assert bed.reports == [(wire.FAILING, {"service": "web", "host": host, "port": port, "failures": EJECT_AFTER})]


async def test_success_begins_the_row_anew(bed: Bed) -> None:
    bad = bed.add(Refusing())
    for _ in range(EJECT_AFTER - 1):
        await bed.client().hears_reset()
    bad.sock.listen()
    client = bed.client()
    await until(lambda: len(bed.connections) == 1)
    assert client.hears_nothing()
    bad.sock.close()
    await bed.client().hears_reset()
    assert bed.reports == []


@needs_ipv6
async def test_ipv6_backend_behind_an_ipv4_address(bed: Bed) -> None:
    client, server = await bed.pair(bed.add(Backend("::1")))
    await converse(client, server)
