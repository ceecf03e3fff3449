"""One pass: read all that the kernel has, decide, and take the steps. Repeated for ever, it repairs whatever happens.

Nothing changes before everything that can be refused was checked. The record of what is ours is widened before a
virtual service is made and narrowed after one is gone, so a crash in between leaves nothing that we wouldn't know.
"""

import random
import socket
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import structlog

from lbproxy.dataplanes.ipvs.kernel import sysctls
from lbproxy.dataplanes.ipvs.kernel.address_reservations import LOCK, AddressReservations, Lock
from lbproxy.dataplanes.ipvs.kernel.protocols import Kernel, LocalAddresses, Netfilter
from lbproxy.dataplanes.ipvs.plan_executor import PlanExecutor
from lbproxy.dataplanes.ipvs.planning import marks
from lbproxy.dataplanes.ipvs.planning.counter_store import CounterStore
from lbproxy.dataplanes.ipvs.planning.desired import Desired, by_address, by_mark, entrances, keep_unknown
from lbproxy.dataplanes.ipvs.planning.drain_tracker import DrainTracker
from lbproxy.dataplanes.ipvs.planning.plan import conflicts, plan, plan_timeouts
from lbproxy.dataplanes.ipvs.planning.timeouts import tcp_timeout
from lbproxy.dataplanes.ipvs.planning.values import Key, Mark, Observed, ObservedService, Ruleset
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import Snapshot

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts of the kernel, real or not."""

    kernel: Kernel
    netfilter: Netfilter
    addresses: LocalAddresses
    sysctls: Path = sysctls.ROOT
    lock: str = LOCK

    async def close(self) -> None:
        """Close all sockets; the kernel's tables stay as they are."""
        for part in (self.kernel, self.netfilter, self.addresses):
            await part.close()


@dataclass(frozen=True, slots=True)
class KernelReading:
    """What a pass has read."""

    record: Ruleset
    observed: Observed
    local: AbstractSet[str]


class Reconciler:
    """Owns what is known between two passes: whose destinations are whose, what was counted, which addresses are held.

    `marks`: go by fwmark, with marks of this range; None: by address.
    """

    def __init__(self, machine: Machine, own_marks: marks.MarkRange | None) -> None:
        self.snapshot = Snapshot(0, {})
        """The latest one that nothing speaks against."""
        self.ledger = CounterStore()
        self._machine, self._marks = machine, own_marks
        self._leaving = DrainTracker()
        self._lock, self._places = Lock(machine.lock), AddressReservations()
        self._written = Ruleset()
        self._yielded: set[Key] = set()
        salt = random.random()  # noqa: S311 - spreads load, guards nothing
        self._order = lambda address: hash((salt, address))

    async def bring(self, snapshot: Snapshot) -> None:
        """Make the snapshot true. Raises `BindError` before anything was changed.

        After any other `DataplaneError` a part may be done; the next call does the rest.
        """
        self._lock.take()
        found = await self._find()
        ours = found.record.owned | self._written.owned
        desired = self._desire(snapshot, found, ours)
        desired = self._yield_to_others(desired, conflicts(desired.services, found.observed.services, ours))
        self._places.hold(_held(snapshot))
        self.snapshot = snapshot
        await self._change(desired, found, ours)
        self._places.release_all_but(set(_held(snapshot)))

    async def clear(self) -> None:
        """Remove all that is ours, and whatever connections it has. Raises `DataplaneError`."""
        found = await self._find()
        mine = _only(found.observed.services, found.record.owned | self._written.owned)
        batch = PlanExecutor(self._machine.kernel, self.ledger, self._leaving.holders, monotonic(), is_shutdown=True)
        await batch.do(plan({}, mine, mine.keys(), self._order), mine, self.snapshot)
        await self._machine.netfilter.remove()
        self._written = Ruleset()
        self.ledger.end()

    async def close(self) -> None:
        """Let go of sockets; the kernel's tables stay as they are."""
        await self._machine.close()
        self._places.release_all_but(())
        self._lock.release()

    async def _find(self) -> KernelReading:
        machine = self._machine
        return KernelReading(await machine.netfilter.read(), await machine.kernel.dump(),
                             await machine.addresses.read())

    def _desire(self, snapshot: Snapshot, found: KernelReading, ours: AbstractSet[Key]) -> Desired:
        if self._marks is None:
            return by_address(snapshot, found.local)
        known = {**self._written.marking, **found.record.marking}
        taken = [key.number for key in ours if isinstance(key, Mark)]
        assigned = marks.assign(entrances(snapshot, found.local), self._marks, known, taken)
        return by_mark(snapshot, found.local, assigned)

    def _yield_to_others(self, desired: Desired, taken: list[Key]) -> Desired:
        """Leave out what others have of a wildcard's addresses; raise `BindError` for an address that was named."""
        for key in taken:
            listen = desired.listens[key]
            if isinstance(key, Mark) or listen == key:
                raise BindError(f"can't take clients at {listen}: {_blame(key)}", listen)
        for key in set(taken) - self._yielded:
            log.warning("address left to its owner", listen=str(desired.listens[key]), reason=_blame(key))
        self._yielded = set(taken)
        return desired.without(taken)

    async def _change(self, desired: Desired, found: KernelReading, ours: AbstractSet[Key]) -> None:
        now = monotonic()
        self._settle_system(desired)
        mine = _only(found.observed.services, ours)
        self.ledger.read(mine, self._leaving.holders, now)
        desired = keep_unknown(desired, self.snapshot, mine)
        table = self._leaving.keep(desired.services, mine, self.snapshot, now)
        await self._record(found.record, Ruleset(frozenset(table) | mine.keys(), desired.marking))
        batch = PlanExecutor(self._machine.kernel, self.ledger, self._leaving.holders, now)
        steps = [*plan(table, found.observed.services, ours, self._order),
                 *plan_timeouts(tcp_timeout(self.snapshot), found.observed.timeouts)]
        self._leaving.adopt(desired, self.snapshot)
        try:
            await batch.do(steps, mine, self.snapshot)
        finally:
            self.ledger.open(self.snapshot, self._leaving.unsettled(mine, now))
            if batch.foreign:
                await self._record(self._written, replace(self._written, owned=self._written.owned - batch.foreign))
        await self._record(self._written, Ruleset(frozenset(table), desired.marking))

    def _settle_system(self, desired: Desired) -> None:
        families = {key.family for key in desired.services}
        settings = sysctls.needed(ipv4=socket.AF_INET in families, ipv6=socket.AF_INET6 in families)
        for setting in sysctls.ensure(settings if families else (), self._machine.sysctls):
            log.info("sysctl set", name=setting.name, value=setting.value)

    async def _record(self, present: Ruleset, ruleset: Ruleset) -> None:
        if present != ruleset:
            await self._machine.netfilter.replace(ruleset)
        self._written = ruleset


def _held(snapshot: Snapshot) -> Iterable[Address]:
    return (address for service in snapshot.services.values() for address in service.listens)


def _only(observed: Mapping[Key, ObservedService], ours: AbstractSet[Key]) -> dict[Key, ObservedService]:
    return {key: service for key, service in observed.items() if key in ours}


def _blame(key: Key) -> str:
    return (f"somebody else's IPVS service is at {key}, and lbproxy's own record doesn't have it; see who made it "
            f"(keepalived, kube-proxy, ipvsadm?), or remove it: ipvsadm -D {_flag(key)}")


def _flag(key: Key) -> str:
    return f"-f {key.number}{' -6' if key.family is socket.AF_INET6 else ''}" if isinstance(key, Mark) else f"-t {key}"
