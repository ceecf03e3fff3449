"""A kernel without packets: IPVS, our nftables tables and interface addresses, stateful and able to fail.

It passes the same suite as the real kernel (`test_kernel_contract`, `test_netfilter_contract`). Beyond that it stands
for a kernel with `expire_nodest_conn`: a destination that is deleted loses its connections.
"""

import errno
import ipaddress
import os
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
    ServiceKey,
    Timeouts,
)
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from lbproxy.netlink.errors import KernelError

from .fake_netfilter import FakeNetfilter

LONGEST_TIMEOUT = 2**31 // 250
"""Seconds: the kernel refuses more jiffies than an int holds, and Debian's has 250 a second."""


class FakeKernel:
    """IPVS of one network namespace."""

    def __init__(self) -> None:
        self.services: dict[ServiceKey, ObservedService] = {}
        self.timeouts = Timeouts(900, 120, 300)
        self.schedulers = {*Scheduler} - {Scheduler.NQ}
        """Of this kernel, one module is missing."""
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
            raise _refused("read the IPVS services", code)
        return Observed(dict(self.services), self.timeouts)

    async def do(self, step: Step) -> None:
        if self.failures and (code := self.failures.popleft()):
            raise _refused(step, code)
        self.edit(step)
        self.done.append(step)

    async def has_scheduler(self, name: str) -> bool:
        if self.scheduler_failures and (code := self.scheduler_failures.popleft()):
            raise _refused(f"ask for the IPVS scheduler {name}", code)
        return name in self.schedulers

    async def close(self) -> None:
        pass

    def edit(self, step: Step) -> None:
        """Do what a step says, whichever program asks."""
        match step:
            case AddService(key, scheduler):
                _refuse(step, errno.EEXIST, key in self.services)
                _refuse(step, errno.ENOENT, scheduler not in self.schedulers)
                self.services[key] = ObservedService(key, scheduler)
            case SetService(key, scheduler):
                service = self._service(step, key)
                _refuse(step, errno.ENOENT, scheduler not in self.schedulers)
                self.services[key] = replace(service, scheduler=scheduler, is_plain=True)
            case DeleteService(key):
                del self.services[self._service(step, key).key]
                # its destinations are kept too, but one that returns to another service of this name begins at 0
                self._trash = {name: found for name, found in self._trash.items() if name.service_key != key}
            case AddDestination(key, destination):
                service = self._service(step, key)
                _refuse(step, errno.EINVAL, destination.address.family != key.family)
                _refuse(step, errno.EEXIST, destination.address in service.destinations)
                old = self._trash.pop(DestinationKey(key, destination.address), ObservedDestination(destination))
                self._put(key, _as_set(old, destination))
            case SetDestination(key, destination):
                self._service(step, key)
                _refuse(step, errno.EINVAL, destination.address.family != key.family)
                self._put(key, _as_set(self._found(step, key, destination.address), destination))
            case DeleteDestination(key, address):
                found = self._found(step, key, address)
                self._trash[DestinationKey(key, address)] = replace(found, active=0, inactive=0)
                rest = {k: v for k, v in self.services[key].destinations.items() if k != address}
                self.services[key] = replace(self.services[key], destinations=rest)
            case SetTimeouts(Timeouts(tcp, tcp_fin, udp)):
                _refuse(step, errno.EINVAL, max(tcp, tcp_fin, udp) > LONGEST_TIMEOUT)
                self.timeouts = Timeouts(tcp or self.timeouts.tcp, tcp_fin or self.timeouts.tcp_fin,
                                         udp or self.timeouts.udp)

    def clear(self) -> None:
        """`ipvsadm -C`."""
        for key in list(self.services):
            self.edit(DeleteService(key))

    def alter_service(self, key: ServiceKey, **changes: object) -> None:
        """Change what only other programs set of a service."""
        self.services[key] = replace(self.services[key], **changes)  # type: ignore[arg-type]  # fields by name

    def alter(self, key: ServiceKey, address: Address, **changes: object) -> None:
        """Change what is known of a destination: counts, or what only others set."""
        found = self.services[key].destinations[address]
        self._put(key, replace(found, **changes))  # type: ignore[arg-type]  # fields by name

    def connect(self, key: ServiceKey, address: Address, *, times: int = 1) -> None:
        """So many connections are established."""
        found = self.services[key].destinations[address]
        counters = Counters(found.counters.connections + times, found.counters.bytes_received + 5 * times,
                            found.counters.bytes_sent + 7 * times)
        self.alter(key, address, active=found.active + times, counters=counters)

    def finish(self, key: ServiceKey, address: Address, *, times: int = 1) -> None:
        """So many have ended and are still remembered."""
        found = self.services[key].destinations[address]
        self.alter(key, address, active=found.active - times, inactive=found.inactive + times)

    def expire(self, key: ServiceKey, address: Address) -> None:
        """What has ended is forgotten."""
        self.alter(key, address, inactive=0)

    def weights(self, key: ServiceKey) -> dict[Address, int]:
        """The destinations of a virtual service."""
        return {address: found.destination.weight for address, found in self.services[key].destinations.items()}

    def _service(self, step: Step, key: ServiceKey) -> ObservedService:
        _refuse(step, errno.ESRCH, key not in self.services)
        return self.services[key]

    def _found(self, step: Step, key: ServiceKey, address: Address) -> ObservedDestination:
        _refuse(step, errno.ENOENT, address not in self._service(step, key).destinations)
        return self.services[key].destinations[address]

    def _put(self, key: ServiceKey, found: ObservedDestination) -> None:
        service = self.services[key]
        destinations = {**service.destinations, found.destination.address: found}
        self.services[key] = replace(service, destinations=destinations)


def _as_set(found: ObservedDestination, destination: Destination) -> ObservedDestination:
    return replace(found, destination=destination, is_masquerading=True, has_lower_threshold=False)


def _refuse(step: Step, code: int, is_wrong: bool) -> None:  # noqa: FBT001 - reads as "refuse with, if"
    if is_wrong:
        raise _refused(step, code)


def _refused(attempt: object, code: int) -> KernelError:
    return KernelError(f"can't {attempt}: {os.strerror(code)}", code)


class FakeAddresses:
    """This machine's addresses."""

    def __init__(self) -> None:
        self.hosts = {"127.0.0.1", "::1", "fe80::1", "192.0.2.1", "192.0.2.2", "2001:db8::1"}
        self.failures: deque[int] = deque()
        """Error numbers of the next readings, one each; 0: none."""

    async def read(self) -> frozenset[str]:
        if self.failures and (code := self.failures.popleft()):
            raise _refused("read this machine's addresses", code)
        addresses = map(ipaddress.ip_address, self.hosts)
        return frozenset(str(one) for one in addresses if not (one.is_loopback or one.is_link_local))

    async def close(self) -> None:
        pass


class FakeMachine:
    """All of it, with settings in a directory. It outlives the dataplanes that use it, as the kernel does."""

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
        """Another program makes a virtual service."""
        self.kernel.edit(AddService(key, "rr"))
        for destination in destinations:
            self.kernel.edit(AddDestination(key, destination))
