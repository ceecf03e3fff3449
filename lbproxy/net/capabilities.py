"""What the kernel lets this process do (capabilities(7))."""

import re
from dataclasses import dataclass

from lbproxy.net.system import System

NET_BIND_SERVICE, NET_ADMIN = 10, 12
"""Bits of a capability set."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Two of the sets of this process; None if they can't be read."""

    effective: int | None
    bounding: int | None

    def have(self, bit: int) -> bool:
        """Whether we may do this now."""
        return bool((self.effective or 0) >> bit & 1)


def capabilities(system: System) -> Capabilities:
    """Read the sets of this process."""
    status = system.text("proc/self/status") or ""
    # The bounding set too: it tells a capability that is missing from one that is not effective for this user.
    lines = re.findall(r"^Cap(Eff|Bnd):\s*([0-9a-f]+)$", status, re.MULTILINE)
    found = {name: int(digits, 16) for name, digits in lines}
    return Capabilities(found.get("Eff"), found.get("Bnd"))
