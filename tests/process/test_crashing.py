"""The real program: processes that are killed take only what they must with them."""

import asyncio
import os
import signal

from lbproxy.model.address import Address
from tests.support.peers import until_refused
from tests.support.program import Program, until
from tests.support.scene import Scene, is_lost, web

from .load import load

CLIENTS = 4


async def replaced(program: Program, pid: int, count: int) -> None:
    """Wait until there are so many workers without this one."""
    await until(lambda: pid not in program.workers() and len(program.workers()) == count)


async def test_killed_worker_is_replaced_under_load_and_loses_only_its_own_connections(
        scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo), workers=2)
    held = [await scene.client(listen) for _ in range(30)]
    async with load(listen, CLIENTS) as seen:
        await seen.more(50)
        before = await program.metrics()
        pid = program.workers()[0]
        os.kill(pid, signal.SIGKILL)
        await replaced(program, pid, count=2)
        await seen.more(50)
    after = await program.metrics()
    lost = [await is_lost(client) for client in held].count(True)
    assert 0 < lost < 30
    assert seen.refused == 0
    assert seen.lost <= CLIENTS
    assert all(after.growing[name] >= value for name, value in before.growing.items())
    counted = (await program.logged("worker died"))["connections_lost"]
    assert lost <= counted <= lost + CLIENTS
    await program.shows("lbproxy_backend_connections_active", 30 - lost)
    assert (await program.metrics()).value("lbproxy_connections_closed_total", reason="worker_lost") == counted
    assert (await program.metrics()).value("lbproxy_worker_restarts_total") == 1
    scene.leave()
    await program.shows("lbproxy_backend_connections_active", 0)


async def test_clients_that_wait_for_a_killed_worker_are_served_by_the_next(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    pid, = program.workers()
    os.kill(pid, signal.SIGSTOP)
    clients = [await scene.connect(listen) for _ in range(10)]
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(client.ask()) for client in clients]
        os.kill(pid, signal.SIGKILL)
    assert {answer.result() for answer in answers} == {"alpha"}
    scene.leave()
    await program.shows("lbproxy_backend_connections_active", 0)


async def test_worker_killed_while_draining_does_not_keep_the_program(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha), drain_timeout="1h")
    client = await scene.client(listen)
    program.signal(signal.SIGTERM)
    await until_refused(listen)
    os.kill(program.workers()[0], signal.SIGKILL)
    assert await is_lost(client)
    assert await program.ended() == 0
    assert [line["event"] for line in program.log()][-3:] == ["stopping", "worker died", "stopped"]


async def test_workers_of_a_killed_program_finish_their_connections_and_make_room(
        scene: Scene, listen: Address) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    first = await scene.serve(web(listen, alpha), workers=2)
    held = [await scene.client(listen) for _ in range(8)]
    orphans = first.workers()
    first.signal(signal.SIGKILL)
    await until_refused(listen)
    await scene.serve(web(listen, bravo), workers=2)
    assert await scene.served_by(listen, 4) == {"bravo": 4}
    assert {await client.ask() for client in held} == {"alpha"}
    scene.leave()
    await until(lambda: not any(is_running(pid) for pid in orphans))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
