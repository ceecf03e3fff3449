"""Backends that accept and break off at once: another one may be asked for as long as nothing was passed on."""

from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.worker.pending_connections import EJECT_AFTER

from .backends import Resetting
from .harness import Harness
from .peers import converse, part, until


async def test_backend_that_accepts_and_resets_is_retried_on_another(harness: Harness) -> None:
    resetting, good = harness.add(Resetting()), harness.backend()
    client = harness.client()
    await converse(client, await good.accept())
    assert (harness.failed(resetting), harness.stats(resetting).retries) == ({"reset": 1}, 1)
    assert harness.closed(resetting) == {}


async def test_end_of_a_client_that_said_nothing_is_passed_on_to_the_next_backend(harness: Harness) -> None:
    resetting, good, client = harness.add(Resetting()), harness.backend(), harness.client()
    client.finish()
    server = await good.accept()
    await server.hears_end()
    await server.send(b"answer")
    server.finish()
    await client.hears(b"answer")
    await client.hears_end()
    await harness.idles()
    assert (harness.failed(resetting), harness.closed(good)) == ({"reset": 1}, {"finished": 1})


async def test_backend_that_resets_before_the_connect_was_noticed_is_retried_on_another(harness: Harness) -> None:
    harness.change(max_conns=1)
    bystander, _ = await harness.pair(harness.backend())
    waiting = harness.client()
    await until(lambda: harness.service.queued == 1)
    hasty = harness.backend()
    hasty.accept_now().reset()
    good = harness.backend()
    await converse(waiting, await good.accept())
    assert harness.failed(hasty) == {"reset": 1}
    bystander.reset()


async def test_reset_after_the_question_was_passed_on_is_not_retried(harness: Harness) -> None:
    """The bytes are gone: another backend could not be asked the same."""
    backend, other = harness.backend(), harness.backend()
    client, server = await harness.pair(backend)
    await client.send(b"question")
    await server.hears(b"question")
    server.reset()
    await client.hears_reset()
    await harness.idles()
    assert (harness.closed(backend), harness.failed(backend)) == ({"backend_reset": 1}, {})
    assert not other.is_called()


async def test_backend_that_ends_at_once_is_not_retried(harness: Harness) -> None:
    """An empty answer is an answer."""
    backend, other = harness.backend(), harness.backend()
    client, server = await harness.pair(backend)
    server.close()
    await client.hears_end()
    client.close()
    await harness.idles()
    assert harness.closed(backend) == {"finished": 1}
    assert not other.is_called()


async def test_backend_that_resets_each_connection_is_reported(harness: Harness) -> None:
    """Its connects succeed, and so they don't count against it."""
    resetting, good = harness.add(Resetting()), harness.backend()
    for _ in range(EJECT_AFTER):
        await converse(harness.client(), await good.accept())
    host, port = resetting.address
    assert harness.reports == [(wire.FAILING, {"service": "web", "host": host, "port": port, "failures": EJECT_AFTER})]


async def test_backend_that_resets_some_connections_and_serves_others_is_not_reported(harness: Harness) -> None:
    moody = harness.backend()
    for _ in range(EJECT_AFTER + 1):
        unlucky = harness.client()
        (await moody.accept()).reset()
        await unlucky.hears_reset()
        lucky, server = await harness.pair(moody)
        await converse(lucky, server)
        await part(lucky, server)
        await harness.idles()
    assert harness.reports == []
