"""Machines that a preflight looks at: files of /proc below a root, and a kernel without packets."""

from collections.abc import Mapping
from pathlib import Path

from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.dataplanes.ipvs.kind import IpvsKind
from lbproxy.dataplanes.userspace.kind import USERSPACE

from .fake_kernel import FakeMachine

FILES = {
    "proc/self/status": "CapEff:\t0000000000001000\nCapBnd:\t0000000000001000\n",
    "proc/self/uid_map": "0 0 4294967295\n",
    "proc/sys/kernel/osrelease": "6.1.0\n",
    "proc/sys/net/ipv4/vs/conn_reuse_mode": "1\n",
}
"""As where IPVS works; its settings are those of the fake."""


def machine_with(root: Path, files: Mapping[str, str]) -> FakeMachine:
    """Lay out one where IPVS works but for these files."""
    machine = FakeMachine(root / "proc/sys")
    for name, text in {**FILES, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return machine


def dataplanes_over(machine: FakeMachine) -> Dataplanes:
    """Give those of lbproxy, over this kernel."""
    return Dataplanes((IpvsKind(machine.parts), USERSPACE))
