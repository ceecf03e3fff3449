"""Systems that are rules of the kernel: a process in the foreground stands for them, and takes them away at its end."""

from pathlib import Path
from shlex import join

from bench.net import Address

SCRIPT = """\
set -eu
sleep infinity &
trap "kill $! || true; {down}" EXIT
trap "exit 0" TERM
{up}
wait $!
"""
# A finished connection would hold its source port for two minutes, which the few addresses of a bench can't afford.
FORGET_SOON = "echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait"
MASQUERADE = """\
table ip bench {{
  chain leaving {{ type nat hook postrouting priority srcnat; {which} masquerade; }}
}}
"""


def held(folder: Path, up: list[list[str]], down: list[list[str]]) -> list[str]:
    """Return what carries out `up` and waits for SIGTERM. At its end, and if `up` fails, it carries out `down`."""
    script = folder / "hold"
    undo = "; ".join(f"{join(command)} || true" for command in down)
    script.write_text(SCRIPT.format(up="\n".join([*map(join, up), FORGET_SOON]), down=undo.replace('"', '\\"')))
    return ["sh", str(script)]


def pair(address: Address) -> str:
    """Return an address as nftables wants it as the value of a map."""
    return f"{address.host} . {address.port}"
