"""Backends that accept and break off at once: another one may be asked for as long as nothing was passed on."""

from lbproxy.dataplanes.userspace.shared import wire
from lbproxy.dataplanes.userspace.worker.pending_connections import EJECT_AFTER

from .backends import Resetting
from .bed import Bed
from .peers import converse, part, until


async def test_backend_that_accepts_and_resets_is_retried_on_another(bed: Bed) -> None:
    resetting, good = bed.add(Resetting()), bed.backend()
    client = bed.client()
    await converse(client, await good.accept())
    assert (bed.failed(resetting), bed.stats(resetting).retries) == ({"reset": 1}, 1)
    assert bed.closed(resetting) == {}


async def test_end_of_a_client_that_said_nothing_is_passed_on_to_the_next_backend(bed: Bed) -> None:
    resetting, good, client = bed.add(Resetting()), bed.backend(), bed.client()
    client.finish()
    server = await good.accept()
    await server.hears_end()
    await server.send(b"answer")
    server.finish()
    await client.hears(b"answer")
    await client.hears_end()
    await bed.idles()
    assert (bed.failed(resetting), bed.closed(good)) == ({"reset": 1}, {"finished": 1})


async def test_backend_that_resets_before_the_connect_was_noticed_is_retried_on_another(bed: Bed) -> None:
    bed.change(max_conns=1)
    bystander, _ = await bed.pair(bed.backend())
    waiting = bed.client()
    await until(lambda: bed.service.queued == 1)
    hasty = bed.backend()
    hasty.accept_now().reset()
    good = bed.backend()
    await converse(waiting, await good.accept())
    assert bed.failed(hasty) == {"reset": 1}
    bystander.reset()


async def test_reset_after_the_question_was_passed_on_is_not_retried(bed: Bed) -> None:
    """The bytes are gone: another backend could not be asked the same."""
    backend, other = bed.backend(), bed.backend()
    client, server = await bed.pair(backend)
    await client.send(b"question")
    await server.hears(b"question")
    server.reset()
    await client.hears_reset()
    await bed.idles()
    assert (bed.closed(backend), bed.failed(backend)) == ({"backend_reset": 1}, {})
    assert not other.is_called()


async def test_backend_that_ends_at_once_is_not_retried(bed: Bed) -> None:
    """An empty answer is an answer."""
    backend, other = bed.backend(), bed.backend()
    client, server = await bed.pair(backend)
    server.close()
    await client.hears_end()
    client.close()
    await bed.idles()
    assert bed.closed(backend) == {"finished": 1}
    assert not other.is_called()


async def test_backend_that_resets_each_connection_is_reported(bed: Bed) -> None:
    """Its connects succeed, and so they don't count against it."""
    resetting, good = bed.add(Resetting()), bed.backend()
    for _ in range(EJECT_AFTER):
        await converse(bed.client(), await good.accept())
    host, port = resetting.address
    assert bed.reports == [(wire.FAILING, {"service": "web", "host": host, "port": port, "failures": EJECT_AFTER})]


async def test_backend_that_resets_some_connections_and_serves_others_is_not_reported(bed: Bed) -> None:
    moody = bed.backend()
    for _ in range(EJECT_AFTER + 1):
        unlucky = bed.client()
        (await moody.accept()).reset()
        await unlucky.hears_reset()
        lucky, server = await bed.pair(moody)
        await converse(lucky, server)
        await part(lucky, server)
        await bed.idles()
    assert bed.reports == []
