"""Independent readers of what the kernel holds: other people's programs, and /proc."""

import re
import subprocess
from pathlib import Path


def said(*command: str) -> str:
    """What a command says, in the namespace of this thread."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def ipvsadm(*options: str) -> str:
    """The table by `ipvsadm -Ln`, without its two lines of heading, and each space once."""
    return _plain("\n".join(said("ipvsadm", "-Ln", *options).splitlines()[3:]))


def rules() -> str:
    """The whole ruleset by nft(8), each space once."""
    return _plain(said("nft", "list", "ruleset"))


def proc() -> str:
    """The table by /proc/net/ip_vs, where addresses are in hexadecimal."""
    return _plain("\n".join(Path("/proc/thread-self/net/ip_vs").read_text().splitlines()[3:]))


def _plain(text: str) -> str:
    return "\n".join(line for line in (re.sub(r"\s+", " ", line).strip() for line in text.splitlines()) if line)
