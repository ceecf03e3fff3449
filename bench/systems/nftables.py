"""nftables DNAT: one rule, one look-up, however many pods."""

from pathlib import Path

from bench.systems.installed import find, version_in
from bench.systems.rules import held, pair
from bench.systems.system import Setup, translated

TEMPLATE = """\
table ip bench
delete table ip bench
table ip bench {{
  chain arriving {{
    type nat hook prerouting priority dstnat
    ip daddr {host} tcp dport {port} dnat ip to numgen {choice} mod {count} map {{ {pods} }}
  }}
  chain leaving {{
    type nat hook postrouting priority srcnat
    ct status dnat masquerade
  }}
}}
"""
SCHEDULERS = {"lc": "random", "rr": "inc"}
"""It counts no connections: the default is a random choice, as with iptables."""


class Nftables:
    """The kernel's NAT, by nftables."""

    name = "nftables"

    def version(self) -> str:
        """Return what `nft --version` says."""
        return version_in([find("nft"), "--version"])

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Load the table and hold it."""
        return held(folder, [self.change(setup, folder)], [["nft", "delete", "table", "ip", "bench"]])

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Replace the table in one transaction; connections that it knows stay where they are."""
        rules = folder / "rules.nft"
        rules.write_text(TEMPLATE.format(
            host=setup.listen.host, port=setup.listen.port, choice=translated(setup, SCHEDULERS, self.name),
            count=len(setup.backends),
            pods=", ".join(f"{i} : {pair(backend)}" for i, backend in enumerate(setup.backends)),
        ))
        return [find("nft"), "-f", str(rules)]
