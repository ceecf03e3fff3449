"""What the benchmarks ask of a load balancer: its version, what starts it, and what changes it while it runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError
from bench.net import Address


@dataclass(frozen=True, slots=True)
class Setup:
    """One TCP service, to be spread over `backends` by least connections, the same for every system.

    `scheduler` names another choice: `lc`, `rr` or `wlc`; a system without it raises BenchError.
    """

    listen: Address
    backends: tuple[Address, ...]
    workers: int = 1
    scheduler: str | None = None
    is_checked: bool = True
    """Whether backends are checked, where a system does that by itself."""
    admin: Address | None = None
    """Where lbproxy's admin server is to be; None: anywhere."""


def translated(setup: Setup, known: dict[str, str], name: str) -> str:
    """Return what `known` calls the scheduler of `setup`; raises BenchError when it has none such."""
    wanted = setup.scheduler or "lc"
    if wanted not in known:
        raise BenchError(f"{name} has no scheduler {wanted}")
    return known[wanted]


class System(Protocol):
    """A load balancer that can be installed on this machine."""

    @property
    def name(self) -> str:
        """Return the name used on the command line and in results."""

    def version(self) -> str:
        """Return the installed version; raises NotInstalledError."""

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Return what runs it in the foreground; its files go to `folder`, which the caller owns."""

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Return what makes the one that runs with `folder` serve other backends, as many, its own best way."""
