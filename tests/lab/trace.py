"""What a lab could leave behind on this machine: tests compare it before and after."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from bench.lab import record

SYSCTLS = (
    "net/ipv4/ip_forward", "net/ipv4/ip_local_port_range", "net/ipv4/tcp_tw_reuse", "net/ipv4/conf/all/rp_filter",
)
WORDS = ("lbproxy-lab-", "bench.lab.", "bench.paper.")


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
            processes=sorted(command for command in map(command_of, psutil.process_iter()) if is_ours(command)),
            records=sorted(path.name for path in record.FOLDER.glob("*")),
            folders=sorted(path.name for path in Path("/tmp").glob("lbproxy-lab-*")),  # noqa: S108 - looks, writes nothing
        )


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def is_ours(command: str) -> bool:
    return any(word in command for word in WORDS)
