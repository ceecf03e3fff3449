"""A container of the image, started by runc with no more than a pod of the profile `restricted` gets.

Only the network is the test's own, so that both find each other on loopback.
"""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.patience import PATIENCE

from .image import Image

PROFILE = Path("/usr/share/containers/seccomp.json")
"""What RuntimeDefault is where podman or CRI-O run; it comes with buildah."""
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True, slots=True)
class Given:
    """What a pod gets from its manifest and from the cluster."""

    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Path] = field(default_factory=dict)
    """Folders that can only be read, by where they are mounted."""


NOTHING = Given()


class Container:
    """Runs until it ends by itself or is killed."""

    def __init__(self, image: Image, bundle: Path, *arguments: str, given: Given = NOTHING) -> None:
        (bundle / "config.json").write_text(json.dumps(_specification(image, arguments, given)))
        self._name = f"lbproxy-test-{os.getpid()}-{bundle.name}"
        self._pid_file = bundle / "pid"
        self._process = subprocess.Popen(
            ["runc", "run", "--bundle", bundle, "--pid-file", self._pid_file, self._name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def send(self, signal: str) -> None:
        """Send process 1 a signal, by the name that the image has for it."""
        subprocess.run(["runc", "kill", self._name, signal], check=True)

    def ended(self) -> tuple[int, str]:
        """Wait for its end; give the exit code, and what it wrote."""
        _, written = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, written or ""

    def status(self) -> dict[str, str]:
        """What the kernel says of process 1."""
        lines = (self._proc / "status").read_text().splitlines()
        return {key: " ".join(value.split()) for key, _, value in (line.partition(":") for line in lines)}

    def mounts(self) -> dict[str, set[str]]:
        """What process 1 sees mounted where, with which options."""
        fields = [line.split() for line in (self._proc / "mountinfo").read_text().splitlines()]
        return {field[4]: set(field[5].split(",")) for field in fields}

    def command(self) -> list[str]:
        """What process 1 was started as."""
        return (self._proc / "cmdline").read_text().rstrip("\0").split("\0")

    def kill(self) -> str:
        """End it, whatever state it is in; give what it wrote."""
        subprocess.run(["runc", "delete", "--force", self._name], capture_output=True, check=False)
        return self.ended()[1]

    @property
    def _proc(self) -> Path:
        return Path("/proc") / self._pid_file.read_text()


Start = Callable[..., Container]
"""Takes what `Container` takes after the bundle."""


def _specification(image: Image, arguments: tuple[str, ...], given: Given) -> dict[str, Any]:
    """Fill in what the image says. See https://github.com/opencontainers/runtime-spec/blob/main/config.md."""
    config = image.config
    user, group = map(int, config["User"].split(":"))
    return {
        "ociVersion": "1.0.0",
        "root": {"path": str(image.root), "readonly": True},
        "process": {"user": {"uid": user, "gid": group}, "cwd": "/", "capabilities": {},
                    "env": [*config["Env"], *(f"{name}={value}" for name, value in given.environment.items())],
                    "args": [*config["Entrypoint"], *(arguments or config["Cmd"])], "noNewPrivileges": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",  # noqa: S108 - the container's own
             "options": ["nosuid", "noexec", "nodev", "mode=1777"]},
            *({"destination": place, "type": "bind", "source": str(folder), "options": ["bind", "ro"]}
              for place, folder in given.volumes.items())],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
                  "seccomp": _runtime_default()},
    }


def _runtime_default() -> dict[str, Any]:
    """Give the system calls that a process without any capability may make."""
    profile = json.loads(PROFILE.read_text())
    calls = [call for call in profile["syscalls"] if _is_for_us(call.get("includes") or {})]
    known = ("names", "action", "args", "errnoRet")
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile["defaultErrnoRet"],
            "syscalls": [{key: call[key] for key in known if call.get(key)} for call in calls]}


def _is_for_us(condition: dict[str, list[str]]) -> bool:
    return "caps" not in condition and ARCHITECTURE in condition.get("arches", [ARCHITECTURE])
