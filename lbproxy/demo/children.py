"""The demo's child processes. However the demo ends, they end with it, and so do their own children."""

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

TIED = Path(__file__).with_name("tied.py")
LONGEST_OUTPUT = 4000
"""Bytes of what a child wrote that are shown: the last ones."""


class Child:
    """One process, in a session of its own: Ctrl-C in the terminal reaches the demo only, which ends it in order."""

    def __init__(self, process: asyncio.subprocess.Process, output: IO[bytes]) -> None:
        self._process, self._output = process, output
        self._is_over = False

    @property
    def pid(self) -> int:
        """Its number, which is also that of its session."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.returncode

    async def stop(self, within: float) -> int:
        """Ask it to end (SIGTERM), kill it if it still runs after so many seconds, and give its exit code."""
        if self.exit_code is None:
            self._process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return await self.ended()
        self.kill()
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end, end what it left running, and give its exit code."""
        code = await self._process.wait()
        self.kill()
        self._is_over = True  # from now on its number may be somebody else's
        return code

    def kill(self) -> None:
        """End it at once, with every process that it started."""
        if not self._is_over:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def output(self) -> str:
        """Give the last of what it wrote to stdout and stderr."""
        descriptor = self._output.fileno()  # whose position the child shares, so that seeking would disturb it
        start = max(0, os.fstat(descriptor).st_size - LONGEST_OUTPUT)
        return os.pread(descriptor, LONGEST_OUTPUT, start).decode(errors="replace").strip()

    def close(self) -> None:
        """Forget what it wrote."""
        self._output.close()


class Children:
    """Starts children; when the block ends, all of them have."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    async def start(self, *arguments: str) -> Child:
        """Start Python with these arguments."""
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(TIED), str(os.getpid()), sys.executable, "-P", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=_environment(), start_new_session=True)
        child = Child(process, output)
        self._children.append(child)
        return child

    def kill(self) -> None:
        """End all of them at once."""
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
    """Ours, with the same modules to import, and without what would configure the balancer otherwise."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LBPROXY_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
