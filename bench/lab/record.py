"""Which labs stand: written down before anything is made, so that what a killed run left behind can be found.

Only what a record lists is ever removed, and only under names that begin with PREFIX. BENCH_LAB in the environment
is another word in all these names: labs under different words know nothing of each other.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Self

import psutil
from pydantic import TypeAdapter, ValidationError

from bench.lab.netns import FOLDER as NETNS
from bench.lab.netns import Namespace, call
from bench.waiting import wait_until

WORD = os.environ.get("BENCH_LAB", "lab")
PREFIX = f"lb{WORD}-"
FOLDER = Path(f"/run/lbproxy-{WORD}")
FILES = f"lbproxy-{WORD}-"
"""How the folders of labs begin, among other temporary ones."""
END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Record:
    """One lab. Its owner is a process, by pid and start; None when it is to stand without one."""

    key: str
    namespaces: tuple[str, ...]
    files: str
    owner: tuple[int, float] | None = None

    @property
    def is_orphan(self) -> bool:
        """Return whether its owner is gone."""
        return self.owner is not None and not _lives(*self.owner)

    def owned_by_us(self) -> Self:
        """Return it with this process as its owner."""
        return replace(self, owner=(os.getpid(), psutil.Process().create_time()))

    def save(self) -> None:
        """Write it down."""
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        (FOLDER / f"{self.key}.json").write_bytes(TypeAdapter(Record).dump_json(self))

    def remove(self) -> None:
        """End what runs in its namespaces, then remove them, its files, and the record itself last."""
        there = [Namespace(name) for name in self.namespaces if name.startswith(PREFIX)]
        there = [namespace for namespace in there if namespace.exists]
        _end([pid for namespace in there for pid in namespace.pids()])
        if there:
            call(["ip", "-batch", "-"], "\n".join(f"netns del {namespace.name}" for namespace in there))
        rmtree(self.files, ignore_errors=True)
        (FOLDER / f"{self.key}.json").unlink(missing_ok=True)
        with suppress(OSError):  # others' records are in it, or it is gone
            FOLDER.rmdir()


def records() -> Iterator[Record]:
    """Return all labs written down; one that can't be read is left alone."""
    for file in sorted(FOLDER.glob("*.json")) if FOLDER.exists() else []:
        with suppress(ValidationError):
            yield TypeAdapter(Record).validate_json(file.read_bytes())


def sweep() -> list[str]:
    """Remove the labs whose owner is gone; return their keys."""
    orphans = [record for record in records() if record.is_orphan]
    for record in orphans:
        record.remove()
    return [record.key for record in orphans]


def standing() -> list[str]:
    """Return the names of all namespaces of labs that are there."""
    return sorted(path.name for path in NETNS.glob(f"{PREFIX}*"))


def _lives(pid: int, created: float) -> bool:
    try:
        return psutil.Process(pid).create_time() == created
    except psutil.NoSuchProcess:
        return False


def _end(pids: list[int]) -> None:
    """End processes: asked first, forced after END_SECONDS. This process, should it be there, is spared."""
    family = []
    for pid in set(pids) - {os.getpid()}:
        with suppress(psutil.NoSuchProcess):
            family.append(psutil.Process(pid))
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(family, timeout=END_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until(lambda: not any(process.is_running() for process in alive), END_SECONDS)
