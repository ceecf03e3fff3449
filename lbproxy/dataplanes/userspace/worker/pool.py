"""The backends of one service in one worker: which gets the next connection, within `max_conns`.

The limit holds over all workers. A lease is counted in shared memory first and the sum looked at afterwards,
so two workers may both step back from the last place, but never both take it.
"""

from collections.abc import Sequence

from lbproxy.dataplanes.userspace.shared.counters import ACTIVE, CONNECTIONS, backend_at
from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.dataplanes.userspace.worker.scheduler import Candidate, LeastScore
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler


class Target(Candidate):
    """One backend of one service in one worker: where to connect, where its counters are, whether it may be chosen."""

    __slots__ = ("address", "at", "failures", "family", "is_open", "resets", "slot")

    def __init__(self, address: Address, slot: int) -> None:
        super().__init__()
        self.address = address
        self.family = address.family
        self.slot = slot
        self.at = backend_at(slot)
        """Its first cell in a worker's block."""
        self.failures = 0
        """Connect failures in a row."""
        self.resets = 0
        """Connections in a row that it accepted and reset before a byte moved; a connect alone proves nothing then."""
        self.is_open = False
        """It is given new connections."""


class Pool:
    """Leases backends.

    `blocks` are the counters of all workers, `cells` those of this one among them, `shift` is its index.
    """

    def __init__(self, cells: memoryview, blocks: Sequence[memoryview], shift: int = 0) -> None:
        self.targets: dict[Address, Target] = {}
        self.limit = 0
        self._cells, self._blocks, self._shift = cells, blocks, shift
        self._scheduler = LeastScore[Target](Scheduler.LC)
        self._suspended: set[Target] = set()

    @property
    def is_full(self) -> bool:
        """Some backend takes connections but is at its limit: waiting makes sense."""
        return bool(self._suspended)

    def configure(self, scheduler: Scheduler, limit: int) -> None:
        """Change how backends are chosen, and how many connections each may have over all workers (0: no limit).

        Leases go on, beyond a lower limit too.
        """
        self.limit = limit
        if scheduler is not self._scheduler.scheduler:
            for target in self.targets.values():
                self._scheduler.withdraw(target)
            self._scheduler = LeastScore[Target](scheduler)
        self._admit_all()

    def put(self, members: Sequence[Member]) -> None:
        """Add or change backends. Workers start at different ones, so that they don't all pick the same first."""
        start = self._shift % len(members) if members else 0
        for member in (*members[start:], *members[:start]):
            target = self.targets.get(member.address)
            if target is None or target.slot != member.slot:
                self.drop(member.address)
                target = self.targets[member.address] = Target(member.address, member.slot)
            self._scheduler.withdraw(target)
            target.weight, target.is_open = member.weight, member.is_open
        self._admit_all()

    def drop(self, address: Address) -> Target | None:
        """Forget a backend and return it, or None if it is unknown; its leases may still be given back."""
        target = self.targets.pop(address, None)
        if target is not None:
            target.is_open = False
            self._scheduler.withdraw(target)
            self._suspended.discard(target)
        return target

    def lease(self, excluded: Sequence[Target] = ()) -> Target | None:
        """Choose a backend and count the connection in one step; None if no backend takes one now.

        The caller owns the lease and returns it with `give_back`, even after the backend was dropped.
        """
        while (target := self._scheduler.acquire(excluded)) is not None:
            self._cells[target.at + ACTIVE] += 1
            if not self.limit or self._total(target) <= self.limit:
                self._cells[target.at + CONNECTIONS] += 1
                return target
            self.give_back(target)
            self._suspend(target)
        return None

    def give_back(self, target: Target) -> None:
        """Return a lease that `lease` gave, exactly once."""
        self._cells[target.at + ACTIVE] -= 1
        self._scheduler.release(target)
        if target in self._suspended:
            self._readmit(target)

    def next(self) -> Address | None:
        """Which backend the next connection would get, unless that turns out to be full; None if there is none."""
        target = self._scheduler.next()
        return target.address if target else None

    def scores(self) -> list[tuple[Address, float | None, int, bool]]:
        """Each backend's score (None: it is not to be chosen), its connections in this worker, whether it is full."""
        return [(target.address, target.score, target.active, target in self._suspended)
                for target in self.targets.values()]

    def review(self) -> None:
        """Let full backends be chosen again if another worker gave a place back."""
        for target in [t for t in self._suspended if self._total(t) < self.limit]:
            self._readmit(target)

    def _total(self, target: Target) -> int:
        return sum(block[target.at + ACTIVE] for block in self._blocks)

    def _suspend(self, target: Target) -> None:
        self._scheduler.withdraw(target)
        self._suspended.add(target)

    def _readmit(self, target: Target) -> None:
        self._suspended.discard(target)
        self._scheduler.admit(target)

    def _admit_all(self) -> None:
        self._suspended.clear()
        for target in self.targets.values():
            if target.is_open:
                self._scheduler.admit(target)
