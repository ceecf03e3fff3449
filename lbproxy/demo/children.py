"""Child processes that end with the demo, however it ends, and so do the processes that they started."""

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
LONGEST_OUTPUT = 4000
"""Bytes of a child's output that are shown: the last ones."""


class Child:
    """One process, in its own session: Ctrl-C in the terminal reaches only the demo, which then stops it in order."""

    def __init__(self, process: asyncio.subprocess.Process, output: IO[bytes]) -> None:
        self._process, self._output = process, output
        self._has_ended = False

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its session and process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; a negative one is the signal that ended it."""
        return self._process.returncode

    async def stop(self, within: float) -> int:
        """Send SIGTERM, kill it if it still runs after `within` seconds, and return its exit code."""
        if self.exit_code is None:
            self._process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return await self.ended()
        self.kill()
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end, kill the processes that it left running, and return its exit code."""
        code = await self._process.wait()
        self.kill()
        self._has_ended = True  # from now on the kernel may give its id to another process
        return code

    def kill(self) -> None:
        """Kill it at once, and every process of its group. Does nothing after its end."""
        if not self._has_ended:
            # It may have ended between the check and the signal.
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def output(self) -> str:
        """Return the end of what it wrote to stdout and stderr, at most 4000 bytes."""
        descriptor = self._output.fileno()  # the child shares its position: seeking would move it
        start = max(0, os.fstat(descriptor).st_size - LONGEST_OUTPUT)
        return os.pread(descriptor, LONGEST_OUTPUT, start).decode(errors="replace").strip()

    def close(self) -> None:
        """Delete its output, which is a file without a name."""
        self._output.close()


class Children:
    """Starts children; as an async context manager it kills those that still run at its end."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    async def start(self, *arguments: str) -> Child:
        """Start this Python with these arguments, its output kept in a file."""
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        process = await asyncio.create_subprocess_exec(
            # -I, -S: what stands between needs no packages. -P: nothing is imported from the working directory.
            sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(os.getpid()), sys.executable, "-P", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=_environment(), start_new_session=True)
        child = Child(process, output)
        self._children.append(child)
        return child

    def kill(self) -> None:
        """Kill all of them at once."""
        for child in self._children:
            child.kill()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.kill()
        for child in self._children:
            await child.ended()
            child.close()


def _environment() -> dict[str, str]:
    """Return our environment with our module path, and without variables that configure lbproxy."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LBPROXY_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
