"""What everybody else on the machine uses: a measurement that was disturbed has to say so."""

import os
import resource
from contextlib import suppress
from pathlib import Path

from bench.meter import Meter, on_cpu

# The columns of /proc/stat that are time at work: user, nice, system, irq, softirq.
BUSY = (0, 1, 2, 5, 6)


def others_cpu_seconds() -> float:
    """Return CPU time of all but this process and what it started; only differences mean something."""
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = Meter(os.getpid()).cpu_seconds() + reaped.ru_utime + reaped.ru_stime
    return busy_seconds(Path("/proc/stat").read_text()) - own


def busy_seconds(stat: str) -> float:
    """Return how long all CPUs together have been at work, from the text of /proc/stat."""
    columns = stat.split("\n", 1)[0].split()[1:]
    return sum(int(columns[i]) for i in BUSY) / os.sysconf("SC_CLK_TCK")


def strangers_cpu_seconds(family: set[int]) -> float:
    """Return CPU time of all processes that live, but those of `family` and threads of the kernel.

    What has ended meanwhile is missing in it: a difference is the least that others used.
    """
    found = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) not in family:
            with suppress(FileNotFoundError, ProcessLookupError):
                found += 0.0 if _is_kernels(folder) else on_cpu(folder)
    return found


def _is_kernels(process: Path) -> bool:
    return not (process / "cmdline").read_bytes()
