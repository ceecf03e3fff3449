"""What an administrator's own programs see and do in the kernel: independent of our code."""

import re
import subprocess

from lbproxy.model.address import Address

Seen = dict[str, tuple[str, dict[Address, int]]]
"""By virtual service, as ipvsadm names it: its scheduler, and its destinations with their weights."""


def run(*command: str) -> str:
    """Run a command in the network namespace of this thread, and give what it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def ipvs() -> Seen:
    """Read the table as ipvsadm shows it; all destinations must masquerade."""
    seen: Seen = {}
    for line in run("ipvsadm", "-Ln").splitlines():
        if found := re.match(r"(?:TCP|FWM) +(\S+)(?: IPv6)? (\w+)", line):
            seen[found[1]] = (found[2], {})
            members = seen[found[1]][1]
        elif found := re.match(r" +-> (\S+) +Masq +(\d+)", line):
            members[Address.parse(found[1])] = int(found[2])
        else:
            assert line.startswith(("IP Virtual", "Prot LocalAddress", "  -> RemoteAddress")), line
    return seen


def rules() -> str:
    """All nftables rules of this network namespace."""
    return run("nft", "list", "ruleset")


def thresholds() -> set[tuple[Address, int]]:
    """Upper thresholds, as ipvsadm shows them."""
    lines = run("ipvsadm", "-Ln", "--thresholds").splitlines()
    found = (re.match(r" +-> (\S+) +(\d+) +(\d+)", line) for line in lines)
    return {(Address.parse(one[1]), int(one[2])) for one in found if one}
