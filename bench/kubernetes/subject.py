"""lbproxy under test: started with a kubeconfig, its log read line by line as it comes."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

import psutil

from bench.errors import BenchError
from bench.kubernetes.cluster import NAMESPACE, Scale
from bench.net import Address, free_address
from bench.process import stop
from bench.systems.lbproxy import CHECKOUT

WORKERS = 2
HOSTS_PER_NET = 250
REQUEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log, and when it was here."""

    at: float
    fields: dict[str, object]


class Log:
    """Collects the lines of a stream in a thread of its own."""

    def __init__(self, stream: Iterator[str]) -> None:
        self.lines: list[Line] = []
        self._stream, self._grown = stream, threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def __len__(self) -> int:
        return len(self.lines)

    def wait(self, start: int, wanted: dict[str, object], seconds: float) -> Line:
        """Return the first line from `start` on with these fields."""
        def found() -> Line | None:
            return next((line for line in self.lines[start:] if wanted.items() <= line.fields.items()), None)

        with self._grown:
            line = self._grown.wait_for(found, seconds)
        if line is None:
            raise BenchError(f"lbproxy did not say {wanted} within {seconds:.0f} s")
        return line

    def _read(self) -> None:
        for text in self._stream:
            line = Line(monotonic(), json.loads(text) if text.startswith("{") else {"event": text})
            with self._grown:
                self.lines.append(line)
                self._grown.notify_all()


@dataclass(frozen=True, slots=True)
class Subject:
    """A running lbproxy."""

    pid: int
    started: float
    log: Log
    admin: Address
    probed: Address
    """Where its service listens that has nothing to do with Kubernetes."""

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask the admin server."""
        connection = HTTPConnection(self.admin.host, self.admin.port, timeout=REQUEST_SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """Return the pids of its workers."""
        return [child.pid for child in psutil.Process(self.pid).children()]


@contextmanager
def running(scale: Scale, api: Address, backend: Address, folder: Path, *, is_checked: bool) -> Iterator[Subject]:
    """Run lbproxy for as long as the block lasts; don't wait until it serves."""
    admin, probed = free_address(), free_address()
    (folder / "kubeconfig").write_text(json.dumps(_kubeconfig(api)))
    (folder / "lbproxy.yaml").write_text("\n".join(_configuration(scale, probed, backend, is_checked=is_checked)))
    command = [sys.executable, "-m", "lbproxy", "run", "--config", str(folder / "lbproxy.yaml"),
               "--kubeconfig", str(folder / "kubeconfig"), "--admin", str(admin), "--workers", str(WORKERS),
               "--shutdown-delay", "0s", "--drain-timeout", "1s", "--log-format", "json"]
    started = monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             start_new_session=True, cwd=CHECKOUT)
    try:
        yield Subject(child.pid, started, Log(child.stderr or iter(())), admin, probed)
    finally:
        stop(child)


def _configuration(scale: Scale, probed: Address, backend: Address, *, is_checked: bool) -> Iterator[str]:
    if not is_checked:
        yield "health-interval: 0s"
    yield "services:"
    yield f"  - {{name: probed, listen: '{probed}', backends: ['{backend}']}}"
    port = free_address().port
    for number, name in enumerate(scale.names()):
        listen = f"127.200.{number // HOSTS_PER_NET}.{number % HOSTS_PER_NET + 1}:{port}"
        yield f"  - {{name: {name}, listen: '{listen}', kubernetes: '{NAMESPACE}/{name}:http'}}"


def _kubeconfig(api: Address) -> dict[str, object]:
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://{api}"}}],
        "users": [{"name": "me", "user": {"token": "any"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
