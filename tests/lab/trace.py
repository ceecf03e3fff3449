"""What a lab could leave behind on this machine: tests compare it before and after."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Self

import psutil

from bench.lab import record
from tests.support.patience import PATIENCE

SYSCTLS = (
    "net/ipv4/ip_forward", "net/ipv4/ip_local_port_range", "net/ipv4/tcp_tw_reuse", "net/ipv4/conf/all/rp_filter",
)


@dataclass(frozen=True)
class Trace:
    namespaces: list[str]
    links: str
    rules: str
    sysctls: list[str]
    processes: list[str]
    records: list[str]
    folders: list[str]

    @classmethod
    def of_this_machine(cls) -> Self:
        return cls(
            namespaces=record.standing(),
            links=said("ip", "-brief", "link"),
            rules=said("nft", "list", "ruleset"),
            sysctls=[(Path("/proc/sys") / name).read_text() for name in SYSCTLS],
            processes=sorted(filter(None, map(ours, psutil.process_iter()))),
            records=sorted(path.name for path in record.FOLDER.glob("*")),
            folders=sorted(path.name for path in Path(gettempdir()).glob(f"{record.FILES}*")),
        )


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


def ours(process: psutil.Process) -> str | None:
    """Its command, when it works in a lab of ours: it inherited our word, or was told of a folder that has it."""
    try:
        command = " ".join(process.cmdline())
        is_ours = record.FILES in command or process.environ().get("BENCH_LAB") == record.WORD
    except psutil.Error:
        return None
    return command if is_ours else None
