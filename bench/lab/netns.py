"""Network namespaces with names, as `ip netns` keeps them."""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import LabError

FOLDER = Path("/run/netns")
CLONE_NEWNET = 0x40000000  # sched.h; os.setns comes with Python 3.12
LIBC = ctypes.CDLL(None, use_errno=True)
COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace by its name; it need not exist yet."""

    name: str

    @property
    def exists(self) -> bool:
        """Return whether it is there."""
        return (FOLDER / self.name).exists()

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return what runs `command` there."""
        return ["nsenter", f"--net={FOLDER / self.name}", *command]

    def ip(self, lines: Sequence[str]) -> None:
        """Have `ip` carry out lines such as `link set lo up`, all in one process; raises LabError."""
        call(["ip", "-netns", self.name, "-batch", "-"], "\n".join(lines))

    def shell(self, script: str) -> str:
        """Run a shell script there that sees the namespace's own /sys; return what it says; raises LabError."""
        return call(["ip", "netns", "exec", self.name, "sh", "-eu"], script)

    def pids(self) -> list[int]:
        """Return all processes that are there."""
        return [int(pid) for pid in call(["ip", "netns", "pids", self.name]).split()]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be there, with this thread, for as long as the block lasts; sockets that it makes stay there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(FOLDER / self.name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
            yield
        finally:
            _enter(home)
            os.close(there)
            os.close(home)


def make(namespaces: Sequence[Namespace], links: Sequence[str]) -> None:
    """Make namespaces and, in the same breath, what `ip` does with `links`; raises LabError."""
    lines = [f"netns add {namespace.name}" for namespace in namespaces]
    call(["ip", "-batch", "-"], "\n".join([*lines, *links]))


def call(command: Sequence[str], given: str = "") -> str:
    """Run `command`, give it `given`, and return what it says; raises LabError with its complaint."""
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(command)} did not end within {COMMAND_SECONDS:.0f} s") from None
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def _enter(namespace: int) -> None:
    if LIBC.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
