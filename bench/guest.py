"""Runs a benchmark in a virtual machine whose kernel has IPVS, where this one has not: every system under one kernel.

Without the processor's help all is about ten times slower there; its numbers can be compared with each other only.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import join

from bench.errors import BenchError, NotInstalledError
from bench.systems.installed import find

BOOT, MODULES = Path("/boot"), Path("/lib/modules")
CPUS, MEMORY = 2, "2G"
REPOSITORY = Path(__file__).parents[1]
# The guest sees this machine's files and may only write to its own memory, and to one folder. The tree is mounted again
# with a cache: without one each name in each path is asked for every time, and Python starts four times slower.
INSIDE = """\
set -eu
modprobe -q tun || echo "no TUN device: the overlay udp can't be laid out"
mount -t tmpfs tmpfs /run && mkdir -p /run/netns /run/root
mount -t 9p -o ro,cache=loose,version=9p2000.L,trans=virtio,msize=524288 tree /run/root
for place in /proc /sys /dev /run {folder}; do mount --rbind $place /run/root$place; done
for place in /var/lib/nginx /var/log; do mount -t tmpfs tmpfs /run/root$place; done
mkdir /run/root/var/log/nginx
chroot /run/root env --chdir={repository} PYTHONDONTWRITEBYTECODE=1 TMPDIR=/dev/shm MPLCONFIGDIR=/dev/shm {command} \\
  || echo $? >{folder}/failed
"""
TREE = (
    "-fsdev local,id=tree,path=/,security_model=none,readonly=on,multidevs=remap "
    "-device virtio-9p-pci,fsdev=tree,mount_tag=tree"
)


@contextmanager
def folder_for_guest() -> Iterator[Path]:
    """Make the folder that a guest can write to."""
    with tempfile.TemporaryDirectory(prefix="lbproxy-guest-") as name:
        yield Path(name)


def run(command: Sequence[str], folder: Path) -> None:
    """Run `command` in a guest, which can write to `folder`; raises BenchError when it fails there."""
    script = folder / "inside"
    script.write_text(INSIDE.format(repository=REPOSITORY, command=join(command), folder=folder))
    words = [
        find("vng"), "--run", str(image()), "--cpus", str(CPUS), "--memory", MEMORY, "--user", "root",
        "--disable-kvm", f"--rwdir={folder}", f"--qemu-opts={TREE}", "--", f"sh {script}",
    ]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    child = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, start_new_session=True, cwd=REPOSITORY, env=os.environ | {"PATH": path},
    )
    try:
        child.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.returncode or (folder / "failed").exists():
        raise BenchError("it failed in the guest; what it said is above")


def image(boot: Path = BOOT, modules: Path = MODULES) -> Path:
    """Return the newest installed kernel that has IPVS; raises NotInstalledError."""
    if shutil.which("qemu-system-x86_64") is None:
        raise NotInstalledError("qemu-system-x86_64 is not installed; a guest runs in it")
    found = [one for one in boot.glob("vmlinuz-*") if _has_ipvs(modules / one.name.removeprefix("vmlinuz-"))]
    if not found:
        raise NotInstalledError(f"{boot} has no kernel with IPVS; on Debian: apt install linux-image-amd64")
    return max(found, key=_version)


def _has_ipvs(modules: Path) -> bool:
    return any((modules / "kernel/net/netfilter/ipvs").glob("ip_vs.ko*"))


def _version(kernel: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", kernel.name)]
