"""A guest: another kernel, in software emulation, over this machine's file tree, which it can only read."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Self

from . import kernel

REPOSITORY = Path(__file__).parents[2]
CPUS, MEMORY = 2, "2G"
NICENESS = 3
"""It runs beside this machine's own tests, which have closer limits: they go first. No more than that, as it needs its
share of a machine that is busy with other things too."""
BOUND = 'exec 3<&0; { read -r _ <&3; kill -KILL 0; } & "$@" </dev/null 3<&-; code=$?; kill $!; exit $code'
"""A shell that runs a command, and kills it with all its children when the other end of the shell's input closes: that
happens whatever ends us."""
LAST_WORDS = 2.0
"""Seconds to wait for the rest of what it said, once it has ended."""
SCRIPT = Path(__file__).with_name("inside.sh")
TREE = ("-fsdev local,id=tree,path=/,security_model=none,readonly=on,multidevs=remap "
        "-device virtio-9p-pci,fsdev=tree,mount_tag=tree")
"""The file tree a second time, for the guest to mount as it likes."""
PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static"}


class CannotBootError(Exception):
    """This machine lacks what a guest is made of: says what, and how to get it."""


class Guest:
    """Runs one command, and ends with it. `folder` is the one place where it can write."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self._console: deque[str] = deque(maxlen=40)
        self.lines = 0
        """How many it has said so far."""
        self._process = subprocess.Popen(
            ["nice", "-n", str(NICENESS), "sh", "-c", BOUND, "sh", *booting(folder, command)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True, cwd=REPOSITORY, env=os.environ | {"PATH": _path()})
        self._reading = threading.Thread(target=self._read, name="console", daemon=True)
        self._reading.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it does: it is a session of its own."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        self._reading.join()

    def has_ended(self, within: float) -> bool:
        """Wait for its end, at most so many seconds."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        self._reading.join(LAST_WORDS)
        return True

    def console(self) -> str:
        """The last that it said."""
        return "\n".join(self._console)

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._console.append(line.rstrip())
                self.lines += 1


def booting(folder: Path, command: list[str]) -> list[str]:
    """Give the command that boots a guest for another one. Raises `CannotBootError`."""
    # Emulation though there may be a /dev/kvm: it may be there and still not boot an ordinary kernel.
    return [_vng(), "--run", str(_image()), "--cpus", str(CPUS), "--memory", MEMORY, "--user", "root",
            "--disable-kvm", f"--rwdir={folder}", f"--qemu-opts={TREE}", "--",
            shlex.join(["sh", str(SCRIPT), str(folder), *command])]


def _vng() -> str:
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    vng = shutil.which("vng", path=_path())
    if missing or vng is None:
        raise CannotBootError(f"not installed: {' '.join(missing) or 'virtme-ng'}; .ci/packages says what to do")
    return vng


def _image() -> Path:
    image = kernel.newest()
    if image is None:
        raise CannotBootError("no kernel with IPVS in /boot; install linux-image-amd64")
    if not os.access(image, os.R_OK):
        raise CannotBootError(f"{image} can't be read; make it readable: sudo chmod a+r {image}")
    return image


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
