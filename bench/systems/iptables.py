"""iptables DNAT with the `statistic` match over the pods: the paper's peer, and what kube-proxy writes."""

from pathlib import Path

from bench.systems.installed import find, version_in
from bench.systems.rules import held
from bench.systems.system import Setup, translated

# The order: the first of n takes a connection with probability 1/n, the next of those left 1/(n - 1), and so on.
SERVICE = """\
*nat
:SERVICE - [0:0]
{pods}
COMMIT
"""
JUMPS = """\
*nat
-A PREROUTING -d {host}/32 -p tcp --dport {port} -j SERVICE
-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE
COMMIT
"""
SCHEDULERS = {"lc": "", "random": ""}
"""It has none and picks at random, whatever is asked for by default."""


class Iptables:
    """The kernel's NAT, by iptables."""

    name = "iptables"

    def version(self) -> str:
        """Return what `iptables --version` says."""
        return version_in([find("iptables"), "--version"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Load the rules and hold them."""
        translated(setup, SCHEDULERS, self.name)
        jumps = folder / "jumps"
        jumps.write_text(JUMPS.format(host=setup.listen.host, port=setup.listen.port))
        up = [self.change(setup, folder), [find("iptables-restore"), "--noflush", str(jumps)]]
        return held(folder, up, [["iptables", "-t", "nat", "-F"], ["iptables", "-t", "nat", "-X"], *_rest()])

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Replace the rules of the service in one go; connections that it knows stay where they are."""
        rules = folder / "service"
        rules.write_text(SERVICE.format(pods="\n".join(_pods(setup))))
        return [find("iptables-restore"), "--noflush", str(rules)]


def _pods(setup: Setup) -> list[str]:
    left = range(len(setup.backends), 0, -1)
    return [
        f"-A SERVICE -p tcp {_chance(count)} -j DNAT --to-destination {backend}"
        for count, backend in zip(left, setup.backends, strict=True)
    ]


def _chance(left: int) -> str:
    return f"-m statistic --mode random --probability {1 / left:.11f}" if left > 1 else ""


def _rest() -> list[list[str]]:
    """Remove the empty table, where iptables is nftables underneath: it would go on tracking connections."""
    return [["nft", "delete", "table", "ip", "nat"]]
