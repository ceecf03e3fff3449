"""A pseudo-terminal in which one command of lbproxy runs, as a person would see it."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import Callable
from typing import Self

import pyte

from lbproxy.model.address import Address
from lbproxy.net.unix_path import UnixPath
from tests.support.patience import PATIENCE
from tests.support.program import ENVIRONMENT
from tests.support.signals import DEFAULT_SIGNALS

COLUMNS, LINES = 150, 40


class Terminal:
    """A screen of COLUMNS by LINES, and the command whose screen it is."""

    def __init__(self, process: asyncio.subprocess.Process, descriptor: int) -> None:
        self._process, self._descriptor = process, descriptor
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._changed, self._ended = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    @classmethod
    async def run(cls, admin: Address | UnixPath, *arguments: str) -> Self:
        """Start `lbproxy ARGUMENTS`, to ask the lbproxy at `admin`."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        environment = {**ENVIRONMENT, "TERM": "xterm-256color", "LBPROXY_ADMIN": str(admin)}
        process = await asyncio.create_subprocess_exec(
            *DEFAULT_SIGNALS, sys.executable, "-m", "lbproxy", *arguments,
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True)
        os.close(theirs)
        return cls(process, ours)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    async def shows(self, is_wanted: str | Callable[[str], bool]) -> str:
        """Wait until the screen holds this, and give it."""
        is_there = (lambda text: is_wanted in text) if isinstance(is_wanted, str) else is_wanted
        try:
            async with asyncio.timeout(PATIENCE):
                while not is_there(self.text):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never came; on the screen is:\n{self.text}") from None
        return self.text

    async def ended(self) -> tuple[int, str]:
        """Wait for the end of the command; give its exit code and the screen."""
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
            await self._ended.wait()
        return code, self.text

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def _read(self) -> None:
        try:
            read = os.read(self._descriptor, 1 << 16)
        except OSError:  # how the end of a pseudo-terminal reads
            read = b""
        if read:
            self._stream.feed(read)
        else:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._ended.set()
        self._changed.set()


async def said(admin: Address | UnixPath, *arguments: str) -> tuple[int, str]:
    """Run a command to its end; give its exit code and what a person sees."""
    return await (await Terminal.run(admin, *arguments)).ended()
