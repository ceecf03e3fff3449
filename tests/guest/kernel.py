"""Which kernel the tests run on: this machine's if it has IPVS, else the newest one installed that brings it."""

import os
import re
import socket
import struct
from pathlib import Path

BOOT, MODULES = Path("/boot"), Path("/lib/modules")
GENERIC, ERROR = 16, 2  # NETLINK_GENERIC, NLMSG_ERROR
WHO_IS_IPVS = struct.pack("=IHHIIBBHHH8s", 32, 16, 1, 0, 0, 3, 1, 0, 9, 2, b"IPVS")
"""CTRL_CMD_GETFAMILY by name (linux/genetlink.h)."""


def is_fit() -> bool:
    """Whether this kernel has IPVS, and we may make network namespaces. Asking loads the module where it can be."""
    if os.geteuid() != 0:
        return False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC) as netlink:
        netlink.send(WHO_IS_IPVS)
        _, kind = struct.unpack_from("=IH", netlink.recv(4096))
    return bool(kind != ERROR)


def newest(boot: Path = BOOT, modules: Path = MODULES) -> Path | None:
    """Find the image of the newest kernel that has IPVS among its modules; it need not be the one that runs."""
    images = [image for image in boot.glob("vmlinuz-*") if _has_ipvs(modules / image.name.removeprefix("vmlinuz-"))]
    return max(images, key=_version, default=None)


def _has_ipvs(modules: Path) -> bool:
    return any((modules / "kernel/net/netfilter/ipvs").glob("ip_vs.ko*"))


def _version(image: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", image.name)]
