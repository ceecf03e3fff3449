"""Firewall marks as options: which ones the IPVS dataplane may use."""

import re
from typing import NamedTuple

from lbproxy.config.option_kinds import OptionKind
from lbproxy.text.quoting import quoted

ALL_BITS = 0xFFFFFFFF
_NUMBER = "0x[0-9a-fA-F]{1,8}|[0-9]{1,10}"
_ADVICE = "write off, or a number, with a mask if others use marks too, such as 0x10000/0xff0000"


class Marks(NamedTuple):
    """The first mark that may be used, and the bits that marks may have.

    A mask leaves the other bits to other programs: kube-proxy uses 0x4000 and 0x8000, Cilium and Calico use others.
    """

    first: int
    mask: int = ALL_BITS

    def __str__(self) -> str:
        return hex(self.first) if self.mask == ALL_BITS else f"{self.first:#x}/{self.mask:#x}"


class Fwmark(OptionKind[Marks | None]):
    """A range of firewall marks: `N` or `N/MASK`, decimal or hexadecimal; or `off`."""

    metavar = "N[/MASK]|off"

    def read(self, value: object) -> Marks | None:
        """Take `1`, `0x10000/0xff0000` or `off`."""
        if value is None or (isinstance(value, str) and value.lower() in {"off", "false"}):
            return None
        if isinstance(value, Marks):
            return value
        found = re.fullmatch(f"({_NUMBER})(?:/({_NUMBER}))?", value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"{quoted(value)} is not a firewall mark; {_ADVICE}")
        return _checked(Marks(_number(found[1]), _number(found[2]) if found[2] else ALL_BITS))

    def show(self, value: Marks | None) -> str:
        """Return it in hexadecimal, or `off`."""
        return "off" if value is None else str(value)


def _checked(marks: Marks) -> Marks:
    if not 0 < marks.first <= ALL_BITS or not 0 < marks.mask <= ALL_BITS:
        raise ValueError(f"{marks} is out of range; marks are 1 to {ALL_BITS:#x}")
    if marks.first & ~marks.mask:
        raise ValueError(f"{marks.first:#x} has bits outside of the mask {marks.mask:#x}; "
                         "write a number within the mask, such as 0x10000/0xff0000")
    return marks


def _number(text: str) -> int:
    return int(text, 16 if text.startswith("0x") else 10)
