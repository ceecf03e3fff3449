"""Trees of /proc and /sys as machines have them."""

from collections.abc import Mapping
from pathlib import Path

from lbproxy.net.system import System

READ_ONLY = {"proc/self/mountinfo": "22 27 0:21 / /proc rw - proc proc rw\n"
                                     "23 22 0:21 /sys /proc/sys ro - proc proc rw\n"}
"""As in an unprivileged container."""

Files = Mapping[str, str]


def lay(root: Path, files: Files) -> System:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return System(root)


def sysctls(**values: object) -> dict[str, str]:
    """Files by name, as in `net__ipv4__ip_forward=1`."""
    return {f"proc/sys/{name.replace('__', '/')}": f"{value}\n" for name, value in values.items()}


def card(name: str, *masks: str | None, mtu: int = 1500) -> dict[str, str]:
    """A network card that is up, with so many receive queues; None is a queue without RPS."""
    place = f"sys/class/net/{name}"
    queues = {f"{place}/queues/rx-{number}/{'other' if mask is None else 'rps_cpus'}": f"{mask}\n"
              for number, mask in enumerate(masks)}
    return {f"{place}/type": "1", f"{place}/mtu": f"{mtu}\n", f"{place}/operstate": "up\n",
            f"{place}/ifindex": "2", f"{place}/iflink": "2", f"{place}/device/vendor": "0x1af4", **queues}


def virtual(name: str, mtu: int = 1500, **files: str) -> dict[str, str]:
    """An interface without a device behind it, that is up; `files` are more of its files, or others."""
    place = f"sys/class/net/{name}"
    usual = {"type": "1", "mtu": f"{mtu}\n", "operstate": "up\n", "ifindex": "2", "iflink": "2", "uevent": ""}
    return {f"{place}/{file}": text for file, text in {**usual, **files}.items()}


def default_route(*names: str) -> dict[str, str]:
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    return {"proc/net/route": head + "".join(
        f"{name}\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" for name in names)}
