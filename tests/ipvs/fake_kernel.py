"""A kernel without packets: IPVS, our nftables tables and interface addresses, stateful and able to fail.

It is as strict as the real one about what exists and what doesn't, keeps the counters of a deleted destination and
revives them, and takes foreign edits by the methods of a test.
"""

import errno
from collections import deque
from dataclasses import replace
from pathlib import Path

from lbproxy.dataplanes.ipvs.kernel.sysctls import ALWAYS, IPV4, IPV6
from lbproxy.dataplanes.ipvs.planning.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    SetDestination,
    SetService,
    SetTimeouts,
    Step,
)
from lbproxy.dataplanes.ipvs.planning.values import (
    Counters,
    Destination,
    DestinationKey,
    Observed,
    ObservedDestination,
    ObservedService,
    Ruleset,
    ServiceKey,
    Timeouts,
)
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from lbproxy.netlink.errors import KernelError

SCHEDULERS = {*Scheduler} - {Scheduler.NQ}
"""Of this kernel, one module is missing."""


class FakeKernel:
    """IPVS of one network namespace."""

    def __init__(self) -> None:
        self.services: dict[ServiceKey, ObservedService] = {}
        self.timeouts = Timeouts(900, 120, 300)
        self.done: list[Step] = []
        """Every step that was taken."""
        self.failures: deque[int] = deque()
        """Error numbers of the next steps, one each; 0: none."""
        self.dump_failures: deque[int] = deque()
        """The same for the next dumps."""
        self.scheduler_failures: deque[int] = deque()
        """The same for the next questions for a scheduler."""
        self._trash: dict[DestinationKey, ObservedDestination] = {}

    async def dump(self) -> Observed:
        if self.dump_failures and (code := self.dump_failures.popleft()):
            raise KernelError("can't read the IPVS table", code)
        return Observed(dict(self.services), self.timeouts)

    async def do(self, op: Step) -> None:
        if self.failures and (code := self.failures.popleft()):
            raise KernelError(f"can't do {type(op).__name__}", code)
        self.edit(op)
        self.done.append(op)

    async def has_scheduler(self, name: str) -> bool:
        if self.scheduler_failures and (code := self.scheduler_failures.popleft()):
            raise KernelError(f"can't ask for the IPVS scheduler {name}", code)
        return name in SCHEDULERS

    async def close(self) -> None:
        pass

    def edit(self, op: Step) -> None:
        """Do what a step says, whoever asks."""
        match op:
            case AddService(key, scheduler):
                self._refuse(key in self.services, errno.EEXIST)
                self._refuse(scheduler not in SCHEDULERS, errno.ENOENT)
                self.services[key] = ObservedService(key, scheduler)
            case SetService(key, scheduler):
                self._refuse(scheduler not in SCHEDULERS, errno.ENOENT)
                self.services[key] = replace(self._service(key), scheduler=scheduler, is_plain=True)
            case DeleteService(key):
                del self.services[self._service(key).key]
            case AddDestination(key, destination):
                self._refuse(destination.address in self._service(key).destinations, errno.EEXIST)
                place = DestinationKey(key, destination.address)
                old = self._trash.pop(place, None) or ObservedDestination(destination)
                self._put(key, replace(old, destination=destination))
            case SetDestination(key, destination):
                old = self._found(key, destination.address)
                self._put(key, replace(old, destination=destination, is_masquerading=True, has_lower_threshold=False))
            case DeleteDestination(key, address):
                found = self._found(key, address)
                self._trash[DestinationKey(key, address)] = replace(found, active=0, inactive=0)
                rest = {k: v for k, v in self.services[key].destinations.items() if k != address}
                self.services[key] = replace(self.services[key], destinations=rest)
            case SetTimeouts(timeouts):
                self.timeouts = Timeouts(timeouts.tcp or self.timeouts.tcp, timeouts.tcp_fin or self.timeouts.tcp_fin,
                                         timeouts.udp or self.timeouts.udp)

    def clear(self) -> None:
        """`ipvsadm -C`."""
        self.services.clear()

    def alter(self, key: ServiceKey, address: Address, **changes: object) -> None:
        """Change what is known of a destination: counts, or what only others set."""
        self._put(key, replace(self._found(key, address), **changes))  # type: ignore[arg-type]  # fields by name

    def connect(self, key: ServiceKey, address: Address, *, times: int = 1) -> None:
        """So many connections are established."""
        found = self._found(key, address)
        counters = Counters(found.counters.connections + times, found.counters.bytes_received + 5 * times,
                            found.counters.bytes_sent + 7 * times)
        self.alter(key, address, active=found.active + times, counters=counters)

    def finish(self, key: ServiceKey, address: Address, *, times: int = 1) -> None:
        """So many have ended and are still remembered."""
        found = self._found(key, address)
        self.alter(key, address, active=found.active - times, inactive=found.inactive + times)

    def expire(self, key: ServiceKey, address: Address) -> None:
        """What has ended is forgotten."""
        self.alter(key, address, inactive=0)

    def weights(self, key: ServiceKey) -> dict[Address, int]:
        """The destinations of a virtual service."""
        return {address: found.destination.weight for address, found in self.services[key].destinations.items()}

    def _service(self, key: ServiceKey) -> ObservedService:
        self._refuse(key not in self.services, errno.ESRCH)
        return self.services[key]

    def _found(self, key: ServiceKey, address: Address) -> ObservedDestination:
        self._refuse(address not in self._service(key).destinations, errno.ENOENT)
        return self.services[key].destinations[address]

    def _put(self, key: ServiceKey, found: ObservedDestination) -> None:
        service = self.services[key]
        destinations = {**service.destinations, found.destination.address: found}
        self.services[key] = replace(service, destinations=destinations)

    @staticmethod
    def _refuse(is_wrong: bool, code: int) -> None:  # noqa: FBT001 - reads as "refuse if"
        if is_wrong:
            raise KernelError("the kernel refuses", code)


class FakeNetfilter:
    """Our tables."""

    def __init__(self) -> None:
        self.ruleset = Ruleset()
        self.writes: list[Ruleset] = []
        self.failures: deque[int] = deque()
        """Error numbers of the next transactions, one each; 0: none."""

    async def read(self) -> Ruleset:
        return self.ruleset

    async def replace(self, ruleset: Ruleset) -> None:
        if self.failures and (code := self.failures.popleft()):
            raise KernelError("can't write the nftables tables", code)
        self.ruleset = ruleset
        self.writes.append(ruleset)

    async def remove(self) -> None:
        self.ruleset = Ruleset()

    async def close(self) -> None:
        pass


class FakeAddresses:
    """This machine's addresses."""

    def __init__(self) -> None:
        self.hosts = {"192.0.2.1", "192.0.2.2", "2001:db8::1"}

    async def read(self) -> frozenset[str]:
        return frozenset(self.hosts)

    async def close(self) -> None:
        pass


class FakeMachine:
    """All of it, with settings in a directory; they outlive whoever used them, as the kernel does."""

    def __init__(self, directory: Path) -> None:
        self.kernel, self.netfilter, self.addresses = FakeKernel(), FakeNetfilter(), FakeAddresses()
        self.sysctls = directory
        self.lock = f"\0lbproxy-test-{directory}"
        for setting in (*ALWAYS, IPV4, IPV6):
            file = directory / setting.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("0\n")

    def parts(self) -> Machine:
        """As the dataplane takes it."""
        return Machine(self.kernel, self.netfilter, self.addresses, self.sysctls, self.lock)

    def foreign(self, key: ServiceKey, *destinations: Destination) -> None:
        """Somebody else makes a virtual service."""
        self.kernel.edit(AddService(key, "rr"))
        for destination in destinations:
            self.kernel.edit(AddDestination(key, destination))
