"""The real program: failures of the main process that are nobody's mistake."""

import os
import resource
import signal
import subprocess
import sys

import psutil

from lbproxy.model.address import Address
from tests.support.patience import PATIENCE
from tests.support.peers import until_refused
from tests.support.program import start, until
from tests.support.scene import Scene, web


async def test_workers_of_a_main_process_that_ends_by_a_bug_finish_their_connections(
        scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    scene.write(web(listen, alpha))
    program = await start("--config", str(scene.path), module="tests.process.with_bug")
    try:
        await program.logged("serving")
        client = await scene.client(listen)
        workers = program.workers()
        program.signal(signal.SIGUSR1)
        await until(lambda: program.process.returncode == 1)  # `wait` would wait for the worker's end of stderr too
        await until_refused(listen)
        assert await client.ask() == "alpha"
        scene.leave()
        await until(lambda: not any(map(psutil.pid_exists, workers)))
        line, = program.log("ended by a bug, workers go on until their connections have ended")
        assert "RuntimeError('a bug')" in line["error"]
    finally:
        await program.kill()


async def test_worker_killed_while_descriptors_are_short_is_replaced_when_they_are_not(
        scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    before, = program.workers()
    limits = resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    os.kill(before, signal.SIGKILL)
    await program.logged("can't start a new worker, trying again")
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, limits)
    await until(lambda: len(program.workers()) == 1 and program.workers() != [before])
    assert await scene.served_by(listen, 1) == {"alpha": 1}


REAPER = """
import asyncio, ctypes, subprocess
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: as PID 1 does, it inherits orphans
subprocess.run(["sh", "-c", "sh -c 'exit 3' & exit"], check=True)
from lbproxy.runtime.orphans import ended_children, reap_orphans
async def main():
    while not ended_children():
        await asyncio.sleep(0.01)
    reaping = asyncio.create_task(reap_orphans(0.01))
    while ended_children():
        await asyncio.sleep(0.01)
    reaping.cancel()
asyncio.run(main())
"""


def test_orphans_are_reaped() -> None:
    subprocess.run([sys.executable, "-c", REAPER], check=True, timeout=PATIENCE)
