"""The kernel's settings without which IPVS carries nothing, or loses clients silently. Written, then read again.

They are those of this process's network namespace. lbproxy doesn't set them back: others may count on them by then.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from lbproxy.model.errors import DataplaneError

ROOT = Path("/proc/sys")
MANIFEST = "deploy/ipvs/privileges.yaml"


class Setting(NamedTuple):
    """A file below /proc/sys, and what it must hold."""

    path: str
    value: str
    reason: str
    """What happens otherwise."""

    @property
    def name(self) -> str:
        """As sysctl(8) and Kubernetes write it."""
        return self.path.replace("/", ".")


# `conntrack`: IPVS's packets bypass conntrack without it, and so masquerading (CONFIG_IP_VS_NFCT).
# `expire_nodest_conn`: since Linux 5.9 it also ends all connections of a destination as soon as that is deleted, so a
# drain must not delete before the last one has ended (kubernetes/kubernetes#81775).
# `expire_quiescent_template`: a template of affinity would outlive the weight 0 (kubernetes/kubernetes#71809).
# `conn_reuse_mode` is left as it is: its right value depends on the kernel, see `preflight/reuse_mode`.
ALWAYS = (
    Setting("net/ipv4/vs/conntrack", "1", "nothing is masqueraded, and clients are answered from unknown addresses"),
    Setting("net/ipv4/vs/expire_nodest_conn", "1", "packets for a backend that is gone vanish silently"),
    Setting("net/ipv4/vs/expire_quiescent_template", "1", "affinity sends new connections to draining backends"),
)
IPV4 = Setting("net/ipv4/ip_forward", "1", "the kernel passes no packet on")
IPV6 = Setting("net/ipv6/conf/all/forwarding", "1", "the kernel passes no IPv6 packet on")


def needed(*, ipv4: bool, ipv6: bool) -> tuple[Setting, ...]:
    """Give those for services of these families: IPv6 forwarding changes more (accept_ra), so not without need."""
    return (*ALWAYS, *([IPV4] if ipv4 else []), *([IPV6] if ipv6 else []))


def ensure(settings: Iterable[Setting], root: Path = ROOT) -> list[Setting]:
    """Write what is not as it must be, and give what was changed. Raises `DataplaneError` for the first that can't be.

    The error names the line of the manifest that grants it.
    """
    changed = [setting for setting in settings if _read(setting, root) != setting.value]
    for setting in changed:
        _write(setting, root)
    return changed


def advice(setting: Setting) -> str:
    """Give what to type about one that can't be written."""
    return (f"sysctl -w {setting.name}={setting.value}; in a pod, a privileged init container as in {MANIFEST} with "
            f"`echo {setting.value} >{setting.path.removeprefix('net/')}`")


def _read(setting: Setting, root: Path) -> str:
    try:
        return (root / setting.path).read_text().strip()
    except OSError:
        return ""  # whether that matters shows when it is written


def _write(setting: Setting, root: Path) -> None:
    trouble = "it does not keep what is written"
    try:
        with (root / setting.path).open("r+") as file:  # creates nothing
            file.write(setting.value)
    except FileNotFoundError:
        raise DataplaneError(f"there is no {setting.name} here: IPVS is not loaded, or this is a user namespace of its "
                             "own; on the node run modprobe ip_vs, and name it in /etc/modules-load.d") from None
    except OSError as error:
        trouble = error.strerror or str(error)
    # Read again also after an error: another process may have set it meanwhile.
    if _read(setting, root) != setting.value:
        raise DataplaneError(f"can't set {setting.name} to {setting.value} ({trouble}), else {setting.reason}; "
                             f"run {advice(setting)}")
