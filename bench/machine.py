"""The machine and the programs that a result belongs to."""

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from timeit import repeat

from bench.systems import System
from bench.systems.installed import find, version_in

CALLS = 50_000


@dataclass(frozen=True, slots=True)
class Machine:
    """What the numbers were measured on."""

    cpu: str
    cores: int
    memory_gb: float
    kernel: str
    system_call_ns: int
    function_call_ns: int
    versions: dict[str, str]


def describe(systems: Iterable[System]) -> Machine:
    """Return this machine, with the version of every system and of the load generator and backends."""
    return Machine(
        cpu=_first("/proc/cpuinfo", "model name"),
        cores=os.cpu_count() or 1,
        memory_gb=round(int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1e6, 1),
        kernel=platform.release(),
        system_call_ns=_nanoseconds(os.getppid),
        function_call_ns=_nanoseconds(_nothing),
        versions={system.name: system.version() for system in systems} | _helpers(),
    )


def _nanoseconds(call: Callable[[], object]) -> int:
    """Return what a cheap system call or a function call takes: they decide much of what relaying costs in Python."""
    return round(min(repeat(call, number=CALLS, repeat=5)) / CALLS * 1e9)


def _nothing() -> None:
    pass


def _helpers() -> dict[str, str]:
    return {
        "wrk (load)": version_in([find("wrk"), "-v"]),
        "nginx (backends)": version_in([find("nginx"), "-v"]),
    }


def _first(file: str, key: str) -> str:
    for line in Path(file).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"
