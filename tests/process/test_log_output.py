"""The real program: a log that can't be written costs log lines, and nothing else."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lbproxy.model.address import Address
from tests.support.metrics import Metrics
from tests.support.patience import PATIENCE
from tests.support.peers import free_address
from tests.support.program import ENVIRONMENT, fetch
from tests.support.scene import Scene, web

DROPPED = "lbproxy_log_lines_dropped_total"


class Unread:
    """A program whose standard error nobody reads."""

    def __init__(self, process: Process, admin: Address) -> None:
        self.process, self.admin = process, admin

    async def shows(self, name: str, least: float, **labels: str) -> Metrics:
        """Wait until it serves and a metric has at least this value."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    metrics = Metrics((await fetch(self.admin, "/metrics"))[1])
                    if metrics.value(name, **labels) >= least:
                        return metrics
                except (OSError, KeyError):
                    pass
                await asyncio.sleep(0.01)

    async def ended(self) -> int:
        """Wait for its end."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


async def run(scene: Scene, stderr: int, *shell: str) -> Unread:
    """Start it, with a shell's redirections if any."""
    admin = free_address()
    command = [sys.executable, "-m", "lbproxy", "run", "--config", str(scene.path), "--admin", str(admin)]
    if shell:
        command = ["/bin/sh", "-c", f'exec "$@" {" ".join(shell)}', "sh", *command]
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=stderr,
                                                   env=ENVIRONMENT)
    return Unread(process, admin)


@contextmanager
def descriptor(path: str | Path) -> Iterator[int]:
    opened = os.open(path, os.O_WRONLY)
    try:
        yield opened
    finally:
        os.close(opened)


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        for end in (reading, writing):
            with suppress(OSError):  # a test may have closed it
                os.close(end)


def standard_descriptors(pid: int) -> list[str]:
    """What descriptors 0 to 2 of a process are open on."""
    return [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)]


async def end_cleanly(program: Unread) -> None:
    program.process.send_signal(signal.SIGTERM)
    assert await program.ended() == 0


async def log_a_lot(program: Unread, scene: Scene) -> None:
    """Have it log more than a pipe holds."""
    for number in range(8):
        scene.write_text("[" + "x" * 60_000 + str(number))
        program.process.send_signal(signal.SIGHUP)
        await program.shows("lbproxy_config_reloads_total", number + 1, result="failure")


async def test_reader_of_the_log_goes_away_and_connections_go_on(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    scene.write(web(listen, alpha))
    with pipe() as (reading, writing):
        program = await run(scene, writing)
        os.close(writing)
        await program.shows("lbproxy_backend_state", 1, state="active")
        client = await scene.client(listen)
        os.close(reading)
        scene.write_text("[")
        await program.shows(DROPPED, 1, reason="reader_gone")
        assert await client.ask() == "alpha"
        scene.leave()
        await end_cleanly(program)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
async def test_full_disk_costs_log_lines_only(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    scene.write(web(listen, alpha))
    with descriptor("/dev/full") as stderr:
        program = await run(scene, stderr)
        await program.shows(DROPPED, 1, reason="no_space")
        client = await scene.client(listen)
        assert await client.ask() == "alpha"
        scene.leave()
        await end_cleanly(program)


@pytest.mark.parametrize("closed", [(">&-", "2>&-", "<&-"), ("2>&-",), ("<&-",), (">&-",)], ids="".join)
async def test_closed_standard_descriptors_are_taken_by_no_socket(
        scene: Scene, listen: Address, closed: tuple[str, ...]) -> None:
    alpha, = await scene.backends("alpha")
    scene.write(web(listen, alpha))
    program = await run(scene, DEVNULL, *closed)
    await program.shows("lbproxy_backend_state", 1, state="active")
    client = await scene.client(listen)
    assert await client.ask() == "alpha"
    assert standard_descriptors(program.process.pid) == ["/dev/null"] * 3
    assert (await program.shows("lbproxy_worker_restarts_total", 0)).value("lbproxy_worker_restarts_total") == 0
    scene.leave()
    await end_cleanly(program)


async def test_stuck_reader_stops_neither_admin_server_nor_replacement_nor_the_end(
        scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    scene.write(web(listen, alpha))
    with pipe() as (_, writing):
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writing, True)
        program = await run(scene, writing)
        await program.shows("lbproxy_backend_state", 1, state="active")
        client = await scene.client(listen)
        await log_a_lot(program, scene)
        assert await client.ask() == "alpha"
        scene.leave()
        await end_cleanly(program)


async def test_what_is_queued_at_a_clean_end_is_written(scene: Scene, listen: Address) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    program.signal(signal.SIGTERM)
    assert await program.ended() == 0
    assert program.log()[-1]["event"] == "stopped"
