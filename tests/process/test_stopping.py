"""The real program: how it ends when it is told to."""

import os
import signal

import pytest

from lbproxy.model.address import Address
from tests.support.peers import until_refused
from tests.support.program import Program, until
from tests.support.scene import Scene, web


def is_clean(program: Program) -> bool:
    """Every line of the log is one of ours: no traceback, no warning of the interpreter."""
    return all("event" in line for line in program.log()) and not program.workers()


async def test_sigterm_goes_on_accepting_for_the_delay_and_then_drains(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), shutdown_delay="600ms")
    client = await scene.client(listen)
    program.signal(signal.SIGTERM)
    await program.logged("stopping")
    assert await program.get("/readyz") == (503, "shutting down\n")
    assert await scene.served_by(listen, 1) == {"alpha": 1}
    await until_refused(listen)
    assert await client.ask() == "alpha"
    assert (await program.metrics()).value("lbproxy_backend_connections_active") == 2
    scene.leave()
    assert await program.ended() == 0
    assert program.log("stopped")[0]["connections_reset"] == 0
    assert is_clean(program)


async def test_connections_that_outlive_the_drain_timeout_are_reset(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), drain_timeout="200ms", workers=2)
    clients = [await scene.client(listen) for _ in range(3)]
    program.signal(signal.SIGTERM)
    assert [await client.is_reset() for client in clients] == [True] * 3
    assert await program.ended() == 0
    assert program.log("stopped")[0]["connections_reset"] == 3
    assert is_clean(program)


@pytest.mark.parametrize("delay", ["0s", "1h"], ids=["draining", "delaying"])
async def test_second_sigterm_ends_at_once(scene: Scene, listen: Address, delay: str) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), shutdown_delay=delay, drain_timeout="1h")
    client = await scene.client(listen)
    program.signal(signal.SIGTERM)
    await program.logged("stopping")
    program.signal(signal.SIGTERM)
    assert await client.is_reset()
    assert await program.ended() == 0
    assert program.log("stopped")[0]["connections_reset"] == 1
    assert is_clean(program)


async def test_interrupt_of_the_whole_group_skips_the_delay_and_ends_cleanly(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), shutdown_delay="1h")
    client = await scene.client(listen)
    os.killpg(program.process.pid, signal.SIGINT)  # as a terminal does
    await program.logged("stopping")
    assert await client.ask() == "alpha"
    scene.leave()
    assert await program.ended() == 0
    assert is_clean(program)


async def test_sigterm_while_the_workers_start_leaves_none_behind(scene: Scene, listen: Address) -> None:
    scene.write(web(listen), workers=2)
    program = await scene.start()
    await until(lambda: bool(program.workers()))
    workers = program.workers()
    program.signal(signal.SIGTERM)
    assert await program.ended() == 0
    await until(lambda: not any(is_running(pid) for pid in workers))
    assert is_clean(program)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_drain_timeout_of_the_latest_file_counts(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), drain_timeout="1h")
    client = await scene.client(listen)
    scene.write(web(listen, alpha), drain_timeout="100ms")
    program.signal(signal.SIGHUP)
    await program.logged("configuration read")
    program.signal(signal.SIGTERM)
    assert await client.is_reset()
    assert await program.ended() == 0
