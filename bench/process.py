"""Programs under test and their helpers: started in their own session, always ended, by pid.

A program's output goes to a file whose last lines explain a failed start.
"""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from bench.errors import StartError
from bench.waiting import wait_until

START_SECONDS = 60.0
STOP_SECONDS = 5.0

Cpus = frozenset[int]


class Network(Protocol):
    """A network other than this process's own."""

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return what runs `command` there."""


@dataclass(frozen=True, slots=True)
class Program:
    """A command to run on these CPUs, the file that takes its output, and the network it runs in if not in ours."""

    name: str
    command: Sequence[str]
    cpus: Cpus
    log: Path
    network: Network | None = None

    @property
    def words(self) -> list[str]:
        """Return the whole command."""
        words = pinned(self.command, self.cpus)
        return self.network.inside(words) if self.network else words


@contextmanager
def running(program: Program, is_ready: Callable[[], bool]) -> Iterator[int]:
    """Run `program` for as long as the block lasts, which gets its pid once it is ready.

    Raises StartError when it ends early or is not ready within START_SECONDS.
    """
    child = start(program)
    try:
        await_ready(child, program, is_ready)
        yield child.pid
    finally:
        stop(child)


def await_ready(child: subprocess.Popen[str], program: Program, is_ready: Callable[[], bool]) -> None:
    """Wait until `child` is ready; raises StartError when it ends early or takes longer than START_SECONDS."""
    wait_until(lambda: child.poll() is not None or is_ready(), START_SECONDS)
    if child.poll() is not None or not is_ready():
        raise StartError(f"{program.name} did not start: {_last_lines(program.log)}")


def start(program: Program, stdout: int | None = None) -> subprocess.Popen[str]:
    """Start `program`, pinned; the caller must `stop` it."""
    # A session of its own: Ctrl-C then reaches only the harness, which ends everything in order.
    with program.log.open("ab") as log:
        return subprocess.Popen(
            program.words,
            stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
            start_new_session=True, text=True, env=environment(os.environ),
        )


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return ours without what configures lbproxy: it is measured as its row says."""
    return {name: value for name, value in own.items() if not name.startswith("LBPROXY_")}


def stop(child: subprocess.Popen[str]) -> None:
    """End `child` and all its descendants: asked first, forced after STOP_SECONDS."""
    family = _family(child)
    if child.poll() is None:
        child.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        process.kill()
    child.wait()
    if child.stdout:
        child.stdout.close()


def pinned(command: Sequence[str], cpus: Cpus) -> list[str]:
    """Return `command` restricted to `cpus`."""
    return ["taskset", "--cpu-list", ",".join(map(str, sorted(cpus))), *command]


def own_cpus() -> list[int]:
    """Return the CPUs this process may use, lowest first."""
    return sorted(os.sched_getaffinity(0))


def _family(child: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return `child`, its descendants, and what is left of its session should it have died before them."""
    session = [process for process in psutil.process_iter() if _session(process.pid) == child.pid]
    try:
        descendants = psutil.Process(child.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        descendants = []
    return list({*session, *descendants})


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _last_lines(log: Path, count: int = 5) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-count:]) or "it wrote nothing"
