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


def own_cpu_seconds(pid: int) -> float:
    """Return the time all threads of this one process have been on a CPU."""
    return _of(pid, on_cpu)


def waiting_seconds(pid: int) -> float:
    """Return the time that threads of this one process were ready to run and had to wait for a CPU."""
    return _of(pid, _waiting)


def peak_bytes(pid: int) -> int:
    """Return the most memory that this one process ever had resident, shared pages included."""
    return _of(pid, _peak)


def _of(pid: int, read: Callable[[Path], Amount]) -> Amount:
    try:
        return read(Path(f"/proc/{pid}"))
    except (FileNotFoundError, ProcessLookupError):
        raise BenchError("a process ended while it was measured") from None


def family(pid: int) -> list[int]:
    """Return `pid` and all its descendants; raises psutil.NoSuchProcess."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def on_cpu(process: Path) -> float:
    """Return the time all threads of a process have been on a CPU, by its folder in /proc."""
    return _scheduled(process, 0)


def _waiting(process: Path) -> float:
    return _scheduled(process, 1)


def _scheduled(process: Path, column: int) -> float:
    tasks = (process / "task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[column]) for task in tasks) / NANOSECONDS


def _pss(process: Path) -> int:
    return _kilobytes(process / "smaps_rollup", "Pss:")


def _peak(process: Path) -> int:
    return _kilobytes(process / "status", "VmHWM:")


def _kilobytes(file: Path, key: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * KILOBYTE
    return 0
