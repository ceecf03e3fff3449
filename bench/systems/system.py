"""What the benchmark asks of a load balancer: its version, and the command that starts it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.net import Address


@dataclass(frozen=True, slots=True)
class Setup:
    """One TCP service, to be spread over `backends` by least connections, the same for every system.

    `scheduler` names another choice; only lbproxy is measured with one.
    """

    listen: Address
    backends: tuple[Address, ...]
    workers: int = 1
    scheduler: str | None = None
    is_checked: bool = True
    """Whether backends are checked, where a system does that by itself."""
    admin: Address | None = None
    """Where lbproxy's admin server is to be; None: anywhere."""


class System(Protocol):
    """A load balancer that can be installed on this machine."""

    @property
    def name(self) -> str:
        """Return the name used on the command line and in results."""

    def version(self) -> str:
        """Return the installed version; raises NotInstalledError."""

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Return what runs it in the foreground; its files go to `folder`, which the caller owns."""
