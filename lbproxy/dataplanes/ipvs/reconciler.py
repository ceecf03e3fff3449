"""One pass: read all that the kernel has, decide, and take the steps. Repeated, it repairs whatever happens.

Nothing changes before everything that can be refused was checked. The record of what is ours grows before a virtual
service is made and shrinks after it is gone, so a crash in between leaves none that the next lbproxy would not know as
its own.
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
from lbproxy.dataplanes.ipvs.planning.counter_store import CounterStore
from lbproxy.dataplanes.ipvs.planning.desired import Desired, by_address, by_mark, keep_unlearned, virtual_addresses
from lbproxy.dataplanes.ipvs.planning.drain_tracker import DrainTracker
from lbproxy.dataplanes.ipvs.planning.marks import MarkRange, assign_marks
from lbproxy.dataplanes.ipvs.planning.plan import conflicts, plan, plan_timeouts
from lbproxy.dataplanes.ipvs.planning.values import Mark, Observed, ObservedService, Ruleset, ServiceKey
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import Snapshot

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts of the kernel that the dataplane needs, real or not; the dataplane that gets it owns it."""

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
    """What one pass has read."""

    ruleset: Ruleset
    ipvs: Observed
    local_hosts: AbstractSet[str]


class Reconciler:
    """Owns what is known between two passes: owners of destinations, sums of counters, reserved addresses.

    `mark_range`: go by fwmark, with marks of this range; None: by address.
    """

    def __init__(self, machine: Machine, mark_range: MarkRange | None) -> None:
        self.snapshot = Snapshot(0, {})
        """The latest one that was not refused."""
        self.counters = CounterStore()
        self._machine, self._mark_range = machine, mark_range
        self._drains = DrainTracker()
        self._lock, self._reservations = Lock(machine.lock), AddressReservations()
        self._written = Ruleset()
        self._skipped: set[ServiceKey] = set()
        salt = random.random()  # noqa: S311 - spreads load, guards nothing
        # Random for each process, and the same in each of its passes: see `SortKey`.
        self._sort_key = lambda address: hash((salt, address))

    async def reconcile(self, snapshot: Snapshot) -> None:
        """Make the snapshot true. Raises `BindError` before anything was changed.

        After any other `DataplaneError` a part may be done; the next call does the rest.
        """
        # First: two lbproxy would each take the other's services for their own, by the one record that there is.
        self._lock.take()
        reading = await self._read()
        # Also what we wrote ourselves: if another program deletes our table, the services are still ours.
        own = reading.ruleset.owned | self._written.owned
        desired = self._desired(snapshot, reading, own)
        desired = self._without_conflicts(desired, conflicts(desired.services, reading.ipvs.services, own))
        # After the other checks and before any change: an address that can't be bound refuses the whole snapshot.
        self._reservations.hold(_listens(snapshot))
        # From here on passes repeat this snapshot, even if a step below fails.
        self.snapshot = snapshot
        await self._change(desired, reading, own)
        self._reservations.release_all_but(set(_listens(snapshot)))

    async def remove_all(self) -> None:
        """Remove all that is ours, and cut the connections that it has. Raises `DataplaneError`."""
        reading = await self._read()
        services = _select(reading.ipvs.services, reading.ruleset.owned | self._written.owned)
        executor = PlanExecutor(self._machine.kernel, self.counters, self._drains.owners, monotonic(), is_shutdown=True)
        # Services first, then the record of them: see the module's docstring.
        await executor.execute(plan({}, services, services.keys(), self._sort_key), services, self.snapshot)
        await self._machine.netfilter.remove()
        self._written = Ruleset()
        self.counters.end_all()

    async def close(self) -> None:
        """Close all sockets; the kernel's tables stay as they are."""
        await self._machine.close()
        self._reservations.release_all_but(())
        self._lock.release()

    async def _read(self) -> KernelReading:
        machine = self._machine
        return KernelReading(await machine.netfilter.read(), await machine.kernel.dump(),
                             await machine.addresses.read())

    def _desired(self, snapshot: Snapshot, reading: KernelReading, own: AbstractSet[ServiceKey]) -> Desired:
        if self._mark_range is None:
            return by_address(snapshot, reading.local_hosts)
        known = {**self._written.marking, **reading.ruleset.marking}
        # Services that still drain keep their mark, though no address leads to it any more.
        reserved = [key.number for key in own if isinstance(key, Mark)]
        addresses = virtual_addresses(snapshot, reading.local_hosts)
        return by_mark(snapshot, reading.local_hosts, assign_marks(addresses, self._mark_range, known, reserved))

    def _without_conflicts(self, desired: Desired, taken: list[ServiceKey]) -> Desired:
        """Skip addresses of a wildcard that other programs serve; raise `BindError` for an address that was named."""
        for key in taken:
            listen = desired.listens[key]
            # An address that was named must not be skipped in silence; of a wildcard the others are still of use.
            if isinstance(key, Mark) or listen == key:
                raise BindError(f"can't listen on {listen}: {_conflict(key)}", listen)
        # Logged once, and not by every pass.
        for key in set(taken) - self._skipped:
            log.warning("address skipped", listen=str(desired.listens[key]), reason=_conflict(key))
        self._skipped = set(taken)
        return desired.without(taken)

    async def _change(self, desired: Desired, reading: KernelReading, own: AbstractSet[ServiceKey]) -> None:
        now = monotonic()
        self._set_sysctls(desired)
        observed = _select(reading.ipvs.services, own)
        # Before anything is deleted: what a destination has counted goes with it.
        self.counters.update(observed, self._drains.owners, now)
        desired = keep_unlearned(desired, self.snapshot, observed)
        services = self._drains.add_draining(desired.services, observed, self.snapshot, now)
        # rules before services: a SYN that passes without masquerading is never answered, and as an active connection
        # it makes `lc` avoid its backend for a minute
        await self._write_ruleset(reading.ruleset, Ruleset(frozenset(services) | observed.keys(), desired.marking))
        executor = PlanExecutor(self._machine.kernel, self.counters, self._drains.owners, now)
        steps = [*plan(services, reading.ipvs.services, own, self._sort_key),
                 *plan_timeouts(self.snapshot, reading.ipvs.timeouts)]
        self._drains.set_owners(desired, self.snapshot)
        try:
            await executor.execute(steps, observed, self.snapshot)
        finally:
            self.counters.track(self.snapshot, self._drains.unsettled(observed, now))
            if executor.foreign:  # they were entered in the record before the step failed
                own_after = self._written.owned - executor.foreign
                await self._write_ruleset(self._written, replace(self._written, owned=own_after))
        # Only now without those that are gone: a step that failed has raised above, and its service stays recorded.
        await self._write_ruleset(self._written, Ruleset(frozenset(services), desired.marking))

    def _set_sysctls(self, desired: Desired) -> None:
        families = {key.family for key in desired.services}
        settings = sysctls.needed(ipv4=socket.AF_INET in families, ipv6=socket.AF_INET6 in families)
        for setting in sysctls.ensure(settings if families else (), self._machine.sysctls):
            log.info("sysctl set", name=setting.name, value=setting.value)

    async def _write_ruleset(self, present: Ruleset, wanted: Ruleset) -> None:
        # A transaction begins a new generation, after which the tables are read again: none without need.
        if present != wanted:
            await self._machine.netfilter.replace(wanted)
        self._written = wanted


def _listens(snapshot: Snapshot) -> Iterable[Address]:
    return (address for service in snapshot.services.values() for address in service.listens)


def _select(observed: Mapping[ServiceKey, ObservedService],
            own: AbstractSet[ServiceKey]) -> dict[ServiceKey, ObservedService]:
    return {key: service for key, service in observed.items() if key in own}


def _conflict(key: ServiceKey) -> str:
    return (f"another program has an IPVS service at {key}, which lbproxy's record does not list; find out which "
            f"(keepalived, kube-proxy, ipvsadm?), or remove it: ipvsadm -D {_ipvsadm_option(key)}")


def _ipvsadm_option(key: ServiceKey) -> str:
    return f"-f {key.number}{' -6' if key.family is socket.AF_INET6 else ''}" if isinstance(key, Mark) else f"-t {key}"
