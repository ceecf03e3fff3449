"""Load from wrk: started, awaited with a limit, and read back as exact totals."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bench.errors import BenchError
from bench.net import Address
from bench.process import Cpus, Network, Program, start, stop
from bench.systems.installed import find

SCRIPT = Path(__file__).with_name("load.lua")
MARK = "REPORT "
GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one wrk thread asks for; `closes` makes every request a connection of its own."""

    connections: int
    path: str = "/"
    closes: bool = False

    def command(self, address: Address, seconds: int) -> list[str]:
        """Return the wrk command; its timeout is long enough for a bulk request that has to wait."""
        header = ["--header", "Connection: close"] if self.closes else []
        return [
            find("wrk"), "--threads", "1", "--connections", str(self.connections),
            "--duration", f"{seconds}s", "--timeout", "60s", "--script", str(SCRIPT), *header,
            f"http://{address}{self.path}",
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """The totals of one run."""

    requests: int
    bytes: int
    seconds: float
    p50_us: float
    p99_us: float
    errors: int


class Run:
    """A running wrk."""

    def __init__(self, child: subprocess.Popen[str], seconds: float) -> None:
        self._child, self._limit = child, seconds + GRACE_SECONDS

    def report(self) -> Report:
        """Wait for the end and return the totals."""
        try:
            printed, _ = self._child.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired:
            raise BenchError(f"wrk did not end within {self._limit:.0f} s") from None
        return parse(printed)


@contextmanager
def loading(  # noqa: PLR0913 - each says something else
    load: Load, address: Address, seconds: int, cpus: Cpus, folder: Path, *, network: Network | None = None,
) -> Iterator[Run]:
    """Run wrk against `address`, in `network`; it is ended with the block at the latest."""
    program = Program("wrk", load.command(address, seconds), cpus, folder / "wrk.log", network)
    child = start(program, stdout=subprocess.PIPE)
    try:
        yield Run(child, seconds)
    finally:
        stop(child)


def parse(printed: str) -> Report:
    """Return the totals in what wrk and its script printed."""
    for line in printed.splitlines():
        if line.startswith(MARK):
            return _totals(line.removeprefix(MARK))
    raise BenchError(f"wrk reported nothing: {printed.strip()!r}")


def _totals(text: str) -> Report:
    try:
        report = TypeAdapter(Report).validate_json(text)
    except ValidationError as error:
        raise BenchError(f"wrk reported something strange: {text}") from error
    if not report.bytes:
        raise BenchError("wrk got no answer at all")
    return report
