"""IPVS by hand: what the paper's keepalived wrote, in masquerade mode, with least connections."""

import socket
import struct
from pathlib import Path

from bench.errors import NotInstalledError
from bench.systems.installed import find, version_in
from bench.systems.rules import MASQUERADE, held
from bench.systems.system import Setup, translated

SCHEDULERS = {name: name for name in ("lc", "wlc", "rr")}
NETLINK_GENERIC, NLMSG_ERROR = 16, 2
WHO_IS_IPVS = struct.pack("=IHHIIBBHHH8s", 32, 16, 1, 0, 0, 3, 1, 0, 9, 2, b"IPVS")
"""CTRL_CMD_GETFAMILY by name (linux/genetlink.h)."""
# Source addresses are only rewritten for connections that are tracked.
TRACK = ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/vs/conntrack"]


class Ipvs:
    """The kernel's own load balancer, by ipvsadm."""

    name = "ipvs"

    def version(self) -> str:
        """Return ipvsadm's version; raises NotInstalledError on a kernel without IPVS, too."""
        program = find("ipvsadm")
        check_kernel()
        return version_in([program, "--version"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Add the service and hold it."""
        table, masquerade = folder / "table", folder / "masquerade.nft"
        service = f"-t {setup.listen}"
        lines = [f"-A {service} -s {translated(setup, SCHEDULERS, self.name)}", *_added(setup)]
        table.write_text("\n".join([*lines, ""]))
        ports = ", ".join({str(backend.port) for backend in setup.backends})
        # Whatever goes to the pods' ports from here was balanced: nothing else on the node speaks to them.
        masquerade.write_text(MASQUERADE.format(which=f"tcp dport {{ {ports} }}"))
        # The table last: a SYN that leaves without its masquerade stays an active connection of its pod for a minute.
        up = [[find("nft"), "-f", str(masquerade)], TRACK, ["sh", "-c", f"ipvsadm -R <{table}"]]
        return held(folder, up, [["ipvsadm", "-D", "-t", str(setup.listen)], ["nft", "delete", "table", "ip", "bench"]])

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Add what is new; what is to go gets no new connections and keeps those that it has."""
        table = folder / "table"
        before = {line.split()[4] for line in table.read_text().splitlines() if line.startswith("-a")}
        leaving = before - {str(backend) for backend in setup.backends}
        new = [line for line in _added(setup) if line.split()[4] not in before]
        lines = [*new, *(f"-e -t {setup.listen} -r {pod} -m -w 0" for pod in sorted(leaving))]
        (folder / "changes").write_text("\n".join([*lines, ""]))
        table.write_text("\n".join([*_added(setup), ""]))
        return ["sh", "-c", f"ipvsadm -R <{folder / 'changes'}"]


def check_kernel() -> None:
    """Raise NotInstalledError when this kernel has no IPVS."""
    if not is_there():
        raise NotInstalledError("this kernel has no IPVS")


def is_there() -> bool:
    """Return whether this kernel has IPVS; asking loads the module where it can be."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as netlink:
        netlink.send(WHO_IS_IPVS)
        _, kind = struct.unpack_from("=IH", netlink.recv(4096))
    return bool(kind != NLMSG_ERROR)


def _added(setup: Setup) -> list[str]:
    return [f"-a -t {setup.listen} -r {backend} -m -w 1" for backend in setup.backends]
