"""Reaps processes that nobody waits for. As PID 1, in a container, we inherit those whose parent has ended.

Each would keep its entry in the process table, until the pod's limit of processes is reached.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

INTERVAL = 5.0
"""Seconds between two looks."""


async def reap_orphans(interval: float = INTERVAL) -> None:
    """Reap until cancelled. Our own children are left alone: what waits for them does so before a second look."""
    before: set[int] = set()
    while True:
        await asyncio.sleep(interval)
        now = ended_children()
        for pid in now & before:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - with WNOHANG it does not wait
        before = now - before


def ended_children() -> set[int]:
    """Give the pids of our children that have ended and were not waited for."""
    ours = os.getpid()
    return {int(folder.name) for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and _is_ended_child(folder, ours)}


def _is_ended_child(folder: Path, parent: int) -> bool:
    with suppress(OSError):  # it is gone
        # The name, in parentheses, may contain anything (proc(5)); state and parent follow the last one.
        state, ppid = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        return state == "Z" and int(ppid) == parent
    return False
