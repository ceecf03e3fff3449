"""What a process and all its descendants have used so far: CPU time, memory, descriptors.

Every method raises BenchError when one of them is gone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from bench.errors import BenchError

NANOSECONDS = 1e9
KILOBYTE = 1024
Amount = TypeVar("Amount", int, float)


@dataclass(frozen=True, slots=True)
class Meter:
    """Reads /proc for the tree of processes below `pid`, itself included."""

    pid: int

    def cpu_seconds(self) -> float:
        """Return the time all threads have been on a CPU, exact to the scheduler's nanosecond."""
        return self._total(on_cpu)

    def pss_bytes(self) -> int:
        """Return the proportional set size: shared pages divided among those who share them."""
        return self._total(_pss)

    def descriptors(self) -> int:
        """Return how many descriptors are open."""
        return self._total(lambda folder: len(list((folder / "fd").iterdir())))

    def _total(self, read: Callable[[Path], Amount]) -> Amount:
        try:
            return sum(read(Path(f"/proc/{pid}")) for pid in family(self.pid))
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            raise BenchError("a process ended while it was measured") from None


def family(pid: int) -> list[int]:
    """Return `pid` and all its descendants; raises psutil.NoSuchProcess."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def on_cpu(process: Path) -> float:
    """Return the time all threads of a process have been on a CPU, by its folder in /proc."""
    tasks = (process / "task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / NANOSECONDS


def _pss(process: Path) -> int:
    for line in (process / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * KILOBYTE
    return 0
