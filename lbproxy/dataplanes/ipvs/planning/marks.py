"""Which fwmark each service has. Pure.

A service keeps the mark that the kernel's record says it had, over restarts too: with another one, its connections
would be those of another virtual service.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lbproxy.dataplanes.ipvs.planning.desired import VirtualAddress
from lbproxy.model.address import Address
from lbproxy.model.errors import DataplaneError

ALL_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class MarkRange:
    """The marks that are ours: `first` and those above it, as far as they have no bit outside of `mask`.

    The whole mark of a packet is written, as IPVS compares the whole of it.
    """

    first: int
    mask: int = ALL_BITS

    def __contains__(self, number: int) -> bool:
        return self.first <= number and not number & ~self.mask

    def numbers(self) -> Iterator[int]:
        """Give them, lowest first."""
        number = self.first
        while number <= self.mask:
            yield number
            number = self._next(number)

    def _next(self, number: int) -> int:
        """The next number without a bit outside the mask: with those set, the carry runs over them."""
        return ((number | ~self.mask & ALL_BITS) + 1) & (self.mask | 1 << 32)


Owner = tuple[str, int]
"""A service's name, and the address family."""


def assign(entrances: Iterable[VirtualAddress], own: MarkRange, known: Mapping[Address, int],
           taken: Collection[int]) -> dict[Owner, int]:
    """Give every service and family a mark of its own: the one that its addresses have by `known`, or a free one.

    `taken` are numbers that nobody new gets: those of services that still drain. Raises `DataplaneError` when none is
    left.
    """
    owners: dict[Owner, list[int]] = {}
    for service, _, address in entrances:
        found = owners.setdefault((service.name, address.family), [])
        if known.get(address, 0) in own:
            found.append(known[address])
    assigned: dict[Owner, int] = {}
    for owner, found in owners.items():
        if kept := next((number for number in found if number not in assigned.values()), None):
            assigned[owner] = kept
    unavailable = {*assigned.values(), *taken}
    free = (number for number in own.numbers() if number not in unavailable)
    for owner in owners.keys() - assigned.keys():
        assigned[owner] = _take(free, own)
    return assigned


def _take(free: Iterator[int], own: MarkRange) -> int:
    number = next(free, None)
    if number is None:
        raise DataplaneError(f"no fwmark is left from {own.first:#x} within {own.mask:#x}: give --ipvs-fwmark a wider "
                             "mask")
    return number
