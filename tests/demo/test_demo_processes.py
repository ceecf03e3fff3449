import asyncio
import errno
import os
import signal
import socket
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from lbproxy.demo import processes
from lbproxy.demo.children import DIE_WITH_PARENT, Child, Children
from lbproxy.demo.processes import DemoError, DemoProcesses, ReservedPort
from lbproxy.demo.traffic import Traffic

from .ends import all_end, handles

FOREVER = "import signal; signal.pause()"
DEAF = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
signal.pause()
"""
PARENT = """
import os, subprocess, sys
fifo, *command = sys.argv[1:]
child = subprocess.Popen([part.replace("OWN_PID", str(os.getpid())) for part in command])
open(fifo, "w").write(str(child.pid))
child.wait()
"""


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A named pipe: reading it waits for what a process has to say."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


async def told(fifo: Path) -> str:
    return await asyncio.wait_for(asyncio.to_thread(fifo.read_text), 20)


class Bell(Counter[str]):
    """Rings when something is counted."""

    def __init__(self, event: asyncio.Event) -> None:
        super().__init__()
        self._event = event

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        self._event.set()


async def start_and_fail(children: Children, started: list[Child]) -> None:
    async with children:
        started.append(await children.start("-c", FOREVER))
        raise RuntimeError("failed")


async def test_children_end_when_an_exception_ends_the_block() -> None:
    started: list[Child] = []
    with pytest.raises(RuntimeError, match="failed"):
        await start_and_fail(Children(), started)
    assert [child.exit_code for child in started] == [-signal.SIGKILL]


async def test_child_that_ignores_sigterm_is_killed(children: Children, fifo: Path) -> None:
    child = await children.start("-c", DEAF, str(fifo))
    await told(fifo)
    assert await child.stop(within=0.01) == -signal.SIGKILL


async def test_processes_that_a_child_has_started_end_with_it(children: Children, fifo: Path) -> None:
    child = await children.start("-c", PARENT, str(fifo), sys.executable, "-c", FOREVER)
    with handles([int(await told(fifo))]) as grandchild:
        await child.stop(within=5)
        assert await asyncio.to_thread(all_end, grandchild)


async def test_child_ends_when_its_starter_is_killed(fifo: Path) -> None:
    command = [str(DIE_WITH_PARENT), "OWN_PID", sys.executable, "-c", FOREVER]
    starter = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, str(fifo), sys.executable, *command)
    with handles([int(await told(fifo))]) as child:
        starter.kill()
        await starter.wait()
        assert await asyncio.to_thread(all_end, child)


async def test_child_does_not_start_if_its_starter_has_already_gone() -> None:
    command = [str(DIE_WITH_PARENT), "0", sys.executable, "-c", FOREVER]
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    assert await process.wait() == 1


def test_reserved_port_refuses_connections_and_no_other_program_gets_it() -> None:
    reservation = ReservedPort()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(reservation.address):
        pass
    with socket.socket() as stranger:
        with pytest.raises(OSError, match="in use") as error:
            stranger.bind(reservation.address)
        assert error.value.errno == errno.EADDRINUSE
    reservation.close()


def test_preferred_port_is_taken_if_free_else_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        other = ReservedPort(port)
        assert other.address.port not in {port, 0}
        other.close()
    free = ReservedPort(port)
    assert free.address.port == port
    free.close()


@pytest.mark.parametrize(("code", "said"), [
    ("print('no such option')\nraise SystemExit(2)", r"the balancer did not start \(exit code 2\).*\nno such option"),
    ("raise SystemExit", r"the balancer did not start \(exit code 0\).*\n\(nothing\)"),
])
async def test_balancer_that_does_not_start_is_quoted(
        children: Children, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, code: str, said: str,
        ) -> None:
    monkeypatch.setattr(processes, "command", lambda *_: ["-c", code])
    with ExitStack() as resources, pytest.raises(DemoError, match=said):
        await DemoProcesses(children, client, resources).start(0.5)


async def test_request_without_an_answer_is_a_failure(client: aiohttp.ClientSession) -> None:
    reservation, over = ReservedPort(), asyncio.Event()
    traffic = Traffic(client, f"http://{reservation.address}/")
    traffic.failures = Bell(over)
    await traffic.run(over)
    reservation.close()
    assert traffic.failures.total() >= 1
    assert not traffic.answered
