"""The sysctls that IPVS needs: whether they are as they must be, and whether lbproxy could set those that are not.

Which and why: Linux' Documentation/networking/ipvs-sysctl.rst; kubernetes/kubernetes#71358 and #71809.
"""

from collections.abc import Iterator, Sequence

from lbproxy.dataplanes.ipvs.kernel.sysctls import ALWAYS, IPV6, Setting, advice
from lbproxy.model.finding import Finding, Verdict
from lbproxy.net.system import System, sysctl_path

IPVS = "net.ipv4.vs."


def judge_settings(system: System, settings: Sequence[Setting], *, has_ipvs: bool) -> Iterator[Finding]:
    """Judge them; those of IPVS itself are one finding where none of them shows."""
    shows = any(system.exists(sysctl_path(one.name)) for one in ALWAYS)  # a namespace may see an empty directory
    if not shows:
        yield _hidden() if has_ipvs else _not_yet()
    yield from (judge_setting(system, one) for one in settings if shows or one not in ALWAYS)


def judge_setting(system: System, setting: Setting) -> Finding:
    """Judge one: it is right, or lbproxy can make it so at its start, or another process has to."""
    path, value, why = sysctl_path(setting.name), system.sysctl(setting.name), f"without it {setting.reason}"
    if value == setting.value:
        return Finding(setting.name, Verdict.OK, value, why)
    if value is None:
        return Finding(setting.name, Verdict.FATAL, "it isn't there", why, _absent(setting))
    if system.is_writable(path):
        return Finding(setting.name, Verdict.OK, f"{value}; lbproxy can set it to {setting.value} at its start", why)
    # As in a container that is not privileged, also with NET_ADMIN.
    obstacle = "/proc/sys is read-only" if system.is_read_only(path) else "we may not write it"
    return Finding(setting.name, Verdict.FATAL, f"{value}, and {obstacle}", why, advice(setting))


def _absent(setting: Setting) -> str:
    if setting is IPV6:
        return "boot the node without ipv6.disable=1, or listen on IPv4 only"
    return "use a kernel that has it; for conntrack, one with CONFIG_IP_VS_NFCT"


def _hidden() -> Finding:
    return Finding(f"{IPVS}*", Verdict.FATAL, "hidden from us, though IPVS answers", f"without it {ALWAYS[0].reason}",
                   "in the pod's spec hostUsers: true; outside Kubernetes, a rootful container")


def _not_yet() -> Finding:
    return Finding(f"{IPVS}*", Verdict.UNKNOWN, "not to be seen, as IPVS doesn't answer",
                   f"without it {ALWAYS[0].reason}")
