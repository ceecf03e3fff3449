"""Brings the dataplane to what the table says, again and again: the one place that applies snapshots.

Whatever changes (a source, a check, an ejection, a deadline) only wakes it. It then takes the latest state, so that
missed and merged wake-ups are harmless. A snapshot that the dataplane refuses is tried again. An address that can't be
bound is left out meanwhile, so that it does not stop other changes from being applied.
"""

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from time import monotonic

import structlog

from lbproxy.control import drain
from lbproxy.control.change_log import log_transitions
from lbproxy.control.metrics import SyncMetrics
from lbproxy.control.table import Table
from lbproxy.model.dataplane import Dataplane
from lbproxy.model.drain_orders import DrainOrder
from lbproxy.model.errors import BindError, DataplaneError
from lbproxy.model.snapshot import BackendKey, Services, Snapshot

RETRY_INTERVAL = 5.0
"""Seconds after which a refused snapshot is tried again: its cause, such as a port in use, rarely ends fast."""
REAP_INTERVAL = 0.5
"""Seconds between two looks at removed backends' connections. Only while there are such backends: a look reads all
counters."""

log = structlog.get_logger()


class Controller:
    """Owns the table. `on_applied` is called with each snapshot after the dataplane has applied it."""

    def __init__(self, dataplane: Dataplane, metrics: SyncMetrics, on_applied: Callable[[Snapshot], None]) -> None:
        self.applied: Snapshot | None = None
        self.pending: Snapshot | None = None
        """The one that the dataplane is applying, or has refused; None: the applied one is the latest."""
        self.trouble = ""
        """Why the dataplane is not as the source wants it; empty while it is. Shown by `/explain` and `status`."""
        self.table = Table()
        self._dataplane, self._metrics, self._on_applied = dataplane, metrics, on_applied
        self._desired: Services = {}
        self._refused: dict[tuple[str, int], str] = {}  # addresses that are left out for now, and why
        self._drift = ""
        self._retry_at: float | None = None
        self._panicking: set[str] = set()
        # An event, not a queue: many changes before the next turn are one turn, and none of them can pile up.
        self._wake = asyncio.Event()

    def publish(self, services: Services) -> None:
        """Take the complete set of services, and apply it soon."""
        self._set_desired(services)
        self._wake.set()

    def report(self, key: BackendKey, failure: str | None) -> None:
        """Take a verdict of the active checks: None for alive, else why the backend counts as dead."""
        self.table.report(key, failure)
        self._wake.set()

    def eject(self, key: BackendKey) -> None:
        """Eject a backend whose connects failed in a row, unless half of its service's backends are ejected already."""
        seconds = self.table.eject(key, monotonic())
        if seconds is not None:
            self._metrics.ejections.labels(key.service).inc()
            log.warning("backend ejected", service=key.service, backend=str(key.address), seconds=seconds)
            self._wake.set()

    def note_drift(self, trouble: str) -> None:
        """Take from the dataplane why the kernel is no longer as applied; '' when it is again."""
        self._drift = trouble
        self._wake.set()

    def drain(self, key: BackendKey, order: DrainOrder) -> bool:
        """Drain a backend by an operator's order; False if there is no such backend."""
        is_known = self.table.drain(key, order)
        self._wake.set()
        return is_known

    def undrain(self, key: BackendKey) -> bool:
        """End an operator's order; False if there was none."""
        was_ordered = self.table.undrain(key)
        self._wake.set()
        return was_ordered

    @property
    def is_behind(self) -> bool:
        """Whether something that was published is not applied yet."""
        return self.table.is_stale or self.pending is not None

    async def run(self) -> None:
        """Apply until cancelled. Raises `BindError` if an address of the first snapshot can't be bound.

        Only of the first: a start that does not serve must fail loudly, a running program must go on serving the rest.
        """
        while True:
            await self._wait()
            try:
                await self._step()
            except Exception:
                self._wake.set()  # whoever calls this again finds the step still to be done
                raise

    async def _step(self) -> None:
        # Before the snapshot is made, so that a backend without connections is gone with it, not with the next one.
        self._reap()
        if self._retry_at is not None and self._retry_at <= monotonic():
            self._retry_at = None
            self._set_desired(self._desired)  # with the addresses that were left out: they may be free by now
        await self._reconcile()

    def _set_desired(self, services: Services) -> None:
        # Refusals are forgotten with each publication: the new set may no longer claim the address that was in use.
        self._desired, self._refused = services, {}
        self.table.publish(services)

    async def _reconcile(self) -> None:
        snapshot = self.table.snapshot(monotonic())
        # Only after `snapshot`, which is what decides about panic.
        self._log_panic()
        refused = sorted(self._refused.values())  # read before the await: a publish meanwhile empties it
        self.pending = None
        if snapshot is not self.applied:  # the table gives the same object while nothing changed
            self.pending = snapshot
            try:
                with self._metrics.duration.time():
                    await self._dataplane.apply(snapshot)
            except DataplaneError as error:
                self._on_refused(error)
                return
            self._on_accepted(snapshot)
        if not refused:
            self._retry_at = None
        self._set_trouble("; ".join([*refused, *filter(None, [self._drift])]))

    def _on_accepted(self, snapshot: Snapshot) -> None:
        # Logged once it is true, and before `applied` is replaced: both compare with what was in force until now.
        log_transitions(self.applied, snapshot)
        self._metrics.note_applied(self.applied, snapshot)
        self.applied, self.pending = snapshot, None
        self.table.note_applied()
        if self.table.is_stale:  # an operator's deadline was carried out: the backend comes back, drained
            self._wake.set()
        # Last: what is told of it must find the controller as it is with this snapshot.
        self._on_applied(snapshot)

    def _on_refused(self, error: DataplaneError) -> None:
        self._metrics.failures.inc()
        self._retry_at = monotonic() + RETRY_INTERVAL
        if not isinstance(error, BindError) or error.address is None:
            self._set_trouble(str(error))  # nothing to leave out: the whole snapshot waits for the retry
        elif self.applied is None:
            raise error
        else:
            # One address for each turn; the next apply finds a further one. So there are no more turns than addresses.
            self._refused[error.address] = str(error)
            self.table.publish(_without(self._refused.keys(), self._desired, self.applied))
            self._wake.set()

    def _set_trouble(self, trouble: str) -> None:
        self._metrics.in_sync.set(not trouble)
        if trouble and trouble != self.trouble:  # once, and not with every retry
            log.error("out of sync, keeping the last applied state", error=trouble, retry_seconds=RETRY_INTERVAL)
        elif self.trouble and not trouble:
            log.info("in sync again")
        self.trouble = trouble

    def _log_panic(self) -> None:
        # Edges are logged, not states: panic can last for hours.
        panicking = set(self.table.panicking())
        for service in panicking - self._panicking:
            log.error("more than half of the backends fail their checks: checks are IGNORED", service=service)
        for service in self._panicking - panicking:
            log.warning("checks are used again", service=service)
        self._metrics.show_panic(self._panicking, panicking)
        self._panicking = panicking

    def _reap(self) -> None:
        """Drop the removed backends that have no connection left."""
        if not self.table.has_removed():
            return
        for key in drain.without_connections(self.table.removed(), self.applied, self._dataplane.stats().backends):
            self.table.forget(key)

    async def _wait(self) -> None:
        # No fixed tick: an idle program without deadlines does not wake up at all.
        times = [time for time in (self.table.next_deadline(), self._retry_at) if time is not None]
        if self.table.has_removed():
            times.append(monotonic() + REAP_INTERVAL)  # connections end without waking the controller
        try:
            async with asyncio.timeout_at(min(times, default=None)):
                await self._wake.wait()
        except TimeoutError:
            return
        # Cleared before the state is read: what changes from here on sets it again, and is seen by the next turn.
        self._wake.clear()


def _without(refused: AbstractSet[tuple[str, int]], desired: Services, applied: Snapshot) -> Services:
    """The desired services without these addresses.

    A service that loses one keeps the addresses which it serves now and no other service claims: it goes on as before.
    """
    # A held address that another service claims now must be let go, or the two would fight over it at every retry.
    claimed = {address for spec in desired.values() for address in spec.listens}
    services = dict(desired)
    for name, spec in desired.items():
        if not refused.isdisjoint(spec.listens):
            held = applied.services[name].listens if name in applied.services else ()
            kept = [address for address in spec.listens if address not in refused]
            services[name] = replace(spec, listens=(*kept, *(address for address in held if address not in claimed)))
    return services
