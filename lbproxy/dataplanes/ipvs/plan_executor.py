"""Takes the steps of a plan, and counts what was made and which connections a deletion has cut."""

import errno
from collections.abc import Iterable, Iterator, Mapping

from lbproxy.dataplanes.ipvs.kernel.protocols import Kernel
from lbproxy.dataplanes.ipvs.planning import counter_store
from lbproxy.dataplanes.ipvs.planning.counter_store import CounterStore
from lbproxy.dataplanes.ipvs.planning.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    SetService,
    Step,
)
from lbproxy.dataplanes.ipvs.planning.values import DestinationKey, ObservedService, ServiceKey
from lbproxy.model.errors import DataplaneError
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.netlink.errors import KernelError

GONE = {errno.ENOENT, errno.ESRCH}


class PlanExecutor:
    """Takes one pass's steps. `owners` names the service of each destination, `now` is on the monotonic clock."""

    def __init__(self, kernel: Kernel, counters: CounterStore, owners: Mapping[DestinationKey, str], now: float, *,
                 is_shutdown: bool = False) -> None:
        self._kernel, self._counters, self._owners, self._now = kernel, counters, owners, now
        self._is_shutdown = is_shutdown
        self.foreign: set[ServiceKey] = set()
        """Virtual services that another program made between the reading and the step."""

    async def execute(self, steps: Iterable[Step], observed: Mapping[ServiceKey, ObservedService],
                      snapshot: Snapshot) -> None:
        """Take every step, in order and one after the other, also after one has failed.

        So one backend that the kernel refuses keeps no other from being served. Raises `DataplaneError` at the end for
        the first step that failed. `observed` is what was read before, `snapshot` what the steps lead to.
        """
        failures: list[DataplaneError] = []
        for step in steps:
            try:
                await self._kernel.do(step)
            except KernelError as error:
                if not _is_done_already(step, error):
                    # Not retried here: the next pass plans anew from what the kernel holds then.
                    failures.append(_explained(step, error))
                    if isinstance(step, AddService) and error.errno == errno.EEXIST:
                        self.foreign.add(step.key)
                    continue
            self._count(step, observed, snapshot)
        if failures:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise DataplaneError(f"{failures[0]}{more}") from failures[0]

    def _count(self, step: Step, observed: Mapping[ServiceKey, ObservedService], snapshot: Snapshot) -> None:
        match step:
            case AddDestination(key, destination):
                # Without this, the first reading would take what it counted for that of an earlier process.
                self._counters.start_at_zero(DestinationKey(key, destination.address), self._now)
            case DeleteDestination(key, _) | DeleteService(key):
                for deleted in _deleted(step, observed):
                    # By the reading before the step: after the deletion the kernel no longer says how many there were.
                    self._count_cut(deleted, observed[key].destinations[deleted.address].active, snapshot)
        if isinstance(step, DeleteService):
            self._counters.forget_service(step.key)

    def _count_cut(self, deleted: DestinationKey, active: int, snapshot: Snapshot) -> None:
        if deleted in self._owners:
            backend = BackendKey(self._owners[deleted], deleted.address)
            self._counters.count_closed(backend, self._reason(backend, snapshot), active)

    def _reason(self, key: BackendKey, snapshot: Snapshot) -> str:
        if self._is_shutdown:
            return counter_store.SHUTDOWN
        service = snapshot.services.get(key.service)
        # A destination that is deleted with connections was either dead or overdue: drains wait for all others.
        is_dead = any(one.is_dead and one.address == key.address for one in (service.backends if service else ()))
        return counter_store.DEAD if is_dead else counter_store.DRAIN_TIMEOUT


def _deleted(step: DeleteDestination | DeleteService,
             observed: Mapping[ServiceKey, ObservedService]) -> Iterator[DestinationKey]:
    if isinstance(step, DeleteDestination):
        yield DestinationKey(step.key, step.address)
    else:
        yield from (DestinationKey(step.key, address) for address in observed[step.key].destinations)


def _is_done_already(step: Step, error: KernelError) -> bool:
    """Whether another program has deleted it since the reading."""
    return isinstance(step, DeleteDestination | DeleteService) and error.errno in GONE


def _explained(step: Step, error: KernelError) -> DataplaneError:
    if isinstance(step, AddService | SetService) and error.errno == errno.ENOENT:
        return DataplaneError(f"this kernel has no IPVS scheduler {step.scheduler}: on the node run modprobe "
                              f"ip_vs_{step.scheduler}, or write another --scheduler")
    return error
