"""Backends that can't be reached, and clients that don't wait until they are."""

import errno

import pytest

from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.worker.connection import End
from lbproxy.dataplanes.userspace.worker.pending_connections import EJECT_AFTER

from .backends import Backend, Blackhole, Refusing, Unreachable
from .harness import Harness
from .peers import converse, part, until
from .resources import needs_ipv6


async def test_no_backend_resets_the_client_at_once(harness: Harness) -> None:
    await harness.client().hears_reset()
    await harness.idles()
    assert harness.rejected() == {"no_backend": 1}


async def test_refused_connect_goes_to_the_next_backend_and_the_client_notices_nothing(harness: Harness) -> None:
    refusing, good = harness.add(Refusing()), harness.backend()
    client, server = await harness.pair(good)
    await converse(client, server)
    await part(client, server)
    await harness.idles()
    assert (harness.failed(refusing), harness.stats(refusing).retries) == ({"refused": 1}, 1)
    assert (harness.closed(good), harness.rejected()) == ({"finished": 1}, {})


async def test_unreachable_backends_are_passed_over_at_once(harness: Harness) -> None:
    """All within one accept: no event comes in between."""
    nowhere, never, good = harness.add(Unreachable()), harness.add(Unreachable()), harness.backend()
    client = harness.client()
    await converse(client, await good.accept())
    assert harness.failed(nowhere) == harness.failed(never) == {"unreachable": 1}
    assert harness.totals()["retries"] == 2


async def test_connect_timeout_goes_to_the_next_backend(harness: Harness) -> None:
    harness.change(connect_timeout=2.0)
    silent, good = harness.add(Blackhole()), harness.backend()
    client = harness.client()
    await until(lambda: harness.stats(silent).active == 1)
    harness.pass_time(1.9)
    assert not good.is_called()
    harness.pass_time(0.1)
    await converse(client, await good.accept())
    stats = harness.stats(silent)
    assert (harness.failed(silent), stats.active, stats.retries) == ({"timeout": 1}, 0, 1)


async def test_backend_that_never_accepts_is_connected_all_the_same(harness: Harness) -> None:
    """Its kernel shakes hands for it: what the client sent waits there, and nobody else is bothered."""
    never, client = harness.backend(), harness.client()
    await client.send(b"question")
    await until(lambda: len(harness.connections) == 1)
    never.sock.close()
    await client.hears_reset()
    await harness.idles()
    assert harness.closed(never) == {"backend_reset": 1}


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (2, 3)])
async def test_exhausted_retries_reset_the_client(harness: Harness, retries: int, attempts: int) -> None:
    harness.change(connect_retries=retries)
    for _ in range(4):
        harness.add(Refusing())
    await harness.client().hears_reset()
    await harness.idles()
    assert harness.rejected() == {"connect_failed": 1}
    assert harness.totals() == {"attempts": attempts, "failed": attempts, "closed": 0, "retries": retries}


async def test_nobody_left_to_try_resets_the_client(harness: Harness) -> None:
    """No backend is tried twice for one client, and giving up is not counted as a retry."""
    only = harness.add(Refusing())
    await harness.client().hears_reset()
    await harness.idles()
    assert harness.rejected() == {"connect_failed": 1}
    assert (harness.failed(only), harness.stats(only).retries) == ({"refused": 1}, 0)


async def test_client_gone_while_connecting_frees_the_lease(harness: Harness) -> None:
    silent, client = harness.add(Blackhole()), harness.client()
    await until(lambda: harness.stats(silent).active == 1)
    client.reset()
    await harness.idles()
    assert (harness.rejected(), harness.failed(silent)) == ({"client_gone": 1}, {})


async def test_client_that_went_on_sending_while_connecting_loses_nothing(harness: Harness) -> None:
    silent, client = harness.add(Blackhole()), harness.client()
    await until(lambda: harness.stats(silent).active == 1)
    for word in (b"one ", b"two ", b"three"):
        await client.send(word)
        harness.pass_time(0.0)
    client.finish()
    good = harness.backend()
    harness.pass_time(harness.policy.connect_timeout)
    server = await good.accept()
    await server.hears(b"one two three")
    await server.hears_end()


async def test_five_failures_in_a_row_are_reported(harness: Harness) -> None:
    bad = harness.add(Refusing())
    for _ in range(EJECT_AFTER):
        assert harness.reports == []
        await harness.client().hears_reset()
    host, port = bad.address
    assert harness.reports == [(wire.FAILING, {"service": "web", "host": host, "port": port, "failures": EJECT_AFTER})]


async def test_success_begins_the_row_anew(harness: Harness) -> None:
    bad = harness.add(Refusing())
    for _ in range(EJECT_AFTER - 1):
        await harness.client().hears_reset()
    bad.sock.listen()
    client = harness.client()
    await until(lambda: len(harness.connections) == 1)
    assert client.hears_nothing()
    bad.sock.close()
    await harness.client().hears_reset()
    assert harness.reports == []


@pytest.mark.parametrize(("code", "reason"), [
    (errno.EADDRNOTAVAIL, "ports"), (errno.EPERM, "denied"), (errno.EACCES, "denied")])
async def test_what_this_host_lacks_or_forbids_is_counted_apart_and_no_step_to_ejection(
        harness: Harness, code: int, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = harness.backend()
    monkeypatch.setattr(End, "connect_ex", lambda *_: code)
    for _ in range(EJECT_AFTER):
        await harness.client().hears_reset()
    assert harness.failed(backend) == {reason: EJECT_AFTER}
    assert harness.reports == []


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_shortage_of_descriptors_or_memory_is_no_failure_of_the_backend(
        harness: Harness, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = harness.backend()
    monkeypatch.setattr(End, "connect_ex", lambda *_: code)
    for count in range(EJECT_AFTER):
        await harness.client().hears_reset()
        harness.pass_time(0.0)  # accepting goes on
        assert harness.rejected() == {"descriptors": count + 1}
    assert harness.failed(backend) == {}
    assert wire.FAILING not in dict(harness.reports)


@needs_ipv6
async def test_ipv6_backend_behind_an_ipv4_address(harness: Harness) -> None:
    client, server = await harness.pair(harness.add(Backend("::1")))
    await converse(client, server)
