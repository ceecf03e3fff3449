"""The union of what many slices say, kept while one slice after the other changes: the others are not looked at.

Pure. Whatever the history, it is what the slices of now give when they are put together for the first time.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from functools import reduce

from lbproxy.model.address import Address
from lbproxy.sources.kubernetes.candidates import EndpointCandidate, winner


class Union:
    """Each address once, in order of address; the most available saying of it wins."""

    def __init__(self) -> None:
        self._sayings: dict[Address, list[EndpointCandidate]] = {}
        self._winners: dict[Address, EndpointCandidate] = {}
        self._order: list[Address] | None = None
        """The addresses, sorted; None before anybody has asked: sorting all at once is cheaper."""

    def replace(self, old: Iterable[EndpointCandidate], new: Iterable[EndpointCandidate]) -> None:
        """A slice says `new` instead of `old`; nothing is what a slice says that is not there."""
        touched: dict[Address, None] = {}
        for candidate in new:
            touched[candidate.endpoint.address] = None
            self._sayings.setdefault(candidate.endpoint.address, []).append(candidate)
        for candidate in old:
            touched[candidate.endpoint.address] = None
            self._sayings[candidate.endpoint.address].remove(candidate)
        for address in touched:
            self._decide(address)

    def candidates(self) -> list[EndpointCandidate]:
        """Give the whole. Candidates that did not change are the same objects as before."""
        if self._order is None:
            self._order = sorted(self._winners)
        return [self._winners[address] for address in self._order]

    def _decide(self, address: Address) -> None:
        sayings, before = self._sayings[address], self._winners.get(address)
        if not sayings:
            del self._sayings[address]
            self._winners.pop(address, None)
        elif (best := reduce(winner, sayings)) != before:
            self._winners[address] = best
        if self._order is not None and (before is None) == bool(sayings):
            self._place(self._order, address, is_there=bool(sayings))

    @staticmethod
    def _place(order: list[Address], address: Address, *, is_there: bool) -> None:
        if is_there:
            insort(order, address)
        else:
            del order[bisect_left(order, address)]
