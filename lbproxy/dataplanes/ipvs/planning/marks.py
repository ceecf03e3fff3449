"""Which fwmark each service has. Pure.

A service keeps the mark that the kernel's record says it had, over restarts too: with another mark, its connections
would belong to another virtual service.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lbproxy.dataplanes.ipvs.planning.desired import VirtualAddress
from lbproxy.model.address import Address
from lbproxy.model.errors import DataplaneError

ALL_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class MarkRange:
    """The marks that lbproxy may use: `first` and those above it that have no bit outside of `mask`.

    The range keeps clear of the bits of others (kube-proxy: 0x4000 and 0x8000). The whole mark of a packet is written
    all the same, since IPVS compares all bits of it.
    """

    first: int
    mask: int = ALL_BITS

    def __contains__(self, number: int) -> bool:
        return self.first <= number and not number & ~self.mask

    def numbers(self) -> Iterator[int]:
        """Give all marks of the range, lowest first."""
        number = self.first
        while number <= self.mask:
            yield number
            number = self._next(number)

    def _next(self, number: int) -> int:
        """Add 1 with the bits outside the mask set, so that the carry runs over them, and clear them again."""
        return ((number | ~self.mask & ALL_BITS) + 1) & (self.mask | 1 << 32)


ServiceFamily = tuple[str, int]
"""A service's name, and the address family: what has a mark of its own."""


def assign_marks(addresses: Iterable[VirtualAddress], allowed: MarkRange, known: Mapping[Address, int],
                 reserved: Collection[int]) -> dict[ServiceFamily, int]:
    """Give every service and family a mark of its own: the one that its addresses have by `known`, or a free one.

    `reserved` marks are never given to a service that doesn't have them yet: services that still drain have them.
    Raises `DataplaneError` when no mark is left.
    """
    candidates: dict[ServiceFamily, list[int]] = {}
    for service, _, address in addresses:
        numbers = candidates.setdefault((service.name, address.family), [])
        if known.get(address, 0) in allowed:
            numbers.append(known[address])
    assigned: dict[ServiceFamily, int] = {}
    for service_family, numbers in candidates.items():
        # An address that moved to another service brings the old one's mark along: the first to claim it keeps it.
        if kept := next((number for number in numbers if number not in assigned.values()), None):
            assigned[service_family] = kept
    unavailable = {*assigned.values(), *reserved}
    # A generator: the range has up to four billion numbers, of which a few are taken.
    free = (number for number in allowed.numbers() if number not in unavailable)
    for service_family in candidates.keys() - assigned.keys():
        assigned[service_family] = _take(free, allowed)
    return assigned


def _take(free: Iterator[int], allowed: MarkRange) -> int:
    number = next(free, None)
    if number is None:
        raise DataplaneError(f"no fwmark is left from {allowed.first:#x} within {allowed.mask:#x}: give --ipvs-fwmark "
                             "a wider mask")
    return number
