"""Takes the steps of a plan, one after the other, and keeps the books: what was made, and whom a removal has cost."""

import errno
from collections.abc import Iterable, Iterator, Mapping

from lbproxy.dataplanes.ipvs.kernel.protocols import Kernel
from lbproxy.dataplanes.ipvs.planning import counter_store
from lbproxy.dataplanes.ipvs.planning.counter_store import CounterStore
from lbproxy.dataplanes.ipvs.planning.desired import DestinationKey
from lbproxy.dataplanes.ipvs.planning.values import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Key,
    ObservedService,
    Op,
    SetService,
)
from lbproxy.model.errors import DataplaneError
from lbproxy.model.snapshot import BackendKey, Snapshot
from lbproxy.netlink.errors import KernelError

GONE = {errno.ENOENT, errno.ESRCH}


class PlanExecutor:
    """One pass's steps. `holders` says whose each destination was before them."""

    def __init__(self, kernel: Kernel, books: CounterStore, holders: Mapping[DestinationKey, str], now: float, *,
                 is_shutdown: bool = False) -> None:
        self._kernel, self._books, self._holders, self._now = kernel, books, holders, now
        self._is_shutdown = is_shutdown
        self.foreign: set[Key] = set()
        """Virtual services that somebody else has made after we looked."""

    async def do(self, steps: Iterable[Op], observed: Mapping[Key, ObservedService], snapshot: Snapshot) -> None:
        """Take every step, also after one has failed; then raise `DataplaneError` for the first that did.

        One backend that the kernel refuses keeps no other from being served.
        """
        failures: list[DataplaneError] = []
        for step in steps:
            try:
                await self._kernel.do(step)
            except KernelError as error:
                if not _is_done_already(step, error):
                    failures.append(_explained(step, error))
                    if isinstance(step, AddService) and error.errno == errno.EEXIST:
                        self.foreign.add(step.key)
                    continue
            self._note(step, observed, snapshot)
        if failures:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise DataplaneError(f"{failures[0]}{more}") from failures[0]

    def _note(self, step: Op, observed: Mapping[Key, ObservedService], snapshot: Snapshot) -> None:
        match step:
            case AddDestination(key, destination):
                self._books.made(DestinationKey(key, destination.address), self._now)
            case DeleteDestination(key, _) | DeleteService(key):
                for spot in _removed(step, observed):
                    self._note_cut(spot, observed[key].destinations[spot.address].active, snapshot)
        if isinstance(step, DeleteService):
            self._books.forget(step.key)

    def _note_cut(self, spot: DestinationKey, active: int, snapshot: Snapshot) -> None:
        if spot in self._holders:
            backend = BackendKey(self._holders[spot], spot.address)
            self._books.cut(backend, self._reason(backend, snapshot), active)

    def _reason(self, key: BackendKey, snapshot: Snapshot) -> str:
        if self._is_shutdown:
            return counter_store.SHUTDOWN
        service = snapshot.services.get(key.service)
        is_dead = any(one.is_dead and one.address == key.address for one in (service.backends if service else ()))
        return counter_store.DEAD if is_dead else counter_store.DRAIN_TIMEOUT


def _removed(step: DeleteDestination | DeleteService,
             observed: Mapping[Key, ObservedService]) -> Iterator[DestinationKey]:
    if isinstance(step, DeleteDestination):
        yield DestinationKey(step.key, step.address)
    else:
        yield from (DestinationKey(step.key, address) for address in observed[step.key].destinations)


def _is_done_already(step: Op, error: KernelError) -> bool:
    """Somebody else was quicker to remove it."""
    return isinstance(step, DeleteDestination | DeleteService) and error.errno in GONE


def _explained(step: Op, error: KernelError) -> DataplaneError:
    if isinstance(step, AddService | SetService) and error.errno == errno.ENOENT:
        return DataplaneError(f"this kernel has no IPVS scheduler {step.scheduler}: on the node run modprobe "
                              f"ip_vs_{step.scheduler}, or write another --scheduler")
    return error
