"""The real program: it runs out of descriptors, for real."""

import asyncio
import resource

import psutil

from lbproxy.model.address import Address
from tests.support.program import Program
from tests.support.scene import Scene, web

FEW = ("sh", "-c", 'ulimit -n 100; exec "$@"', "sh")
"""Starts a program that may open 100 files: enough for 18 clients of one worker."""


async def waiting(scene: Scene, listen: Address, count: int) -> list[asyncio.Task[str]]:
    """Clients that are connected to the kernel's queue only, and wait for an answer."""
    clients = [await scene.connect(listen) for _ in range(count)]
    return [asyncio.create_task(client.ask()) for client in clients]


async def test_accepting_pauses_at_the_limit_and_goes_on_when_there_is_room(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), wrapper=FEW, workers=1)
    held = [await scene.client(listen) for _ in range(18)]
    late = await waiting(scene, listen, 3)
    await program.shows("lbproxy_accept_paused", 1)
    assert [await client.ask() for client in held] == ["alpha"] * 18
    assert not any(task.done() for task in late)
    for client in held[:5]:
        client.close()
    assert await asyncio.gather(*late) == ["alpha"] * 3
    metrics = await program.shows("lbproxy_accept_paused", 0)
    assert metrics.value("lbproxy_accept_pauses_total") >= 1
    await program.logged("accepting resumed")
    assert len(program.log("accepting paused")) == len(program.log("accepting resumed")) == 1


async def test_descriptors_that_run_out_below_the_limit_pause_accepting_too(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), workers=1)
    held = [await scene.client(listen) for _ in range(5)]
    starve(program)
    late = await waiting(scene, listen, 3)
    await program.shows("lbproxy_accept_paused", 1)
    assert [await client.ask() for client in held] == ["alpha"] * 5
    assert not any(task.done() for task in late)
    await program.counts("lbproxy_accept_pauses_total", 3)
    for client in held:
        client.close()
    assert await asyncio.gather(*late) == ["alpha"] * 3
    assert (await program.metrics()).value("lbproxy_accept_errors_total") >= 1
    await program.logged("accepting resumed")
    assert len(program.log("accepting paused")) == len(program.log("accepting resumed")) == 1


def starve(program: Program) -> None:
    """Let the worker open not a single file more."""
    worker = psutil.Process(program.workers()[0])
    worker.rlimit(resource.RLIMIT_NOFILE, (worker.num_fds(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
