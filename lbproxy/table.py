"""The backend table: what sources say, and what only we know (checks, ejection, draining), gives one snapshot.

Pure: no clock, no task, no socket. Whoever changes it says what time it is; `next_deadline` says when time alone
will change it. Services and backends that did not change stay the same objects from one snapshot to the next.
"""

from collections.abc import Mapping

from lbproxy.model import BackendKey, Service, Services, Snapshot
from lbproxy.roster import Roster


class Table:
    """Every service. One owner changes it, without an await in between."""

    def __init__(self) -> None:
        self._rosters: dict[str, Roster] = {}
        self._changed: set[str] = set()
        self._snapshot = Snapshot(0, {})

    def publish(self, services: Services) -> None:
        """Take the complete set of services: who is absent drains."""
        for name in {**self._rosters, **services}:
            spec = services.get(name)
            roster = self._rosters.get(name)
            if roster is None and spec is not None:
                roster = self._rosters[name] = Roster(spec)
            if roster is not None and roster.publish(spec):
                self._changed.add(name)

    def report(self, key: BackendKey, failure: str | None) -> None:
        """Take the verdict of the active checks: None for alive, else why it counts as dead."""
        roster = self._rosters.get(key.service)
        if roster is not None and roster.report(key.address, failure):
            self._changed.add(key.service)

    def eject(self, key: BackendKey, now: float) -> float | None:
        """Take out a backend whose connects failed in a row, and return for how many seconds.

        None if it stays: it is out already, or half of its service's backends are.
        """
        roster = self._rosters.get(key.service)
        seconds = roster.eject(key.address, now) if roster is not None else None
        if seconds is not None:
            self._changed.add(key.service)
        return seconds

    def forget(self, key: BackendKey) -> None:
        """A draining backend has no connection left: it need not stay until its deadline."""
        roster = self._rosters.get(key.service)
        if roster is not None and roster.forget(key.address):
            self._changed.add(key.service)

    def draining(self) -> list[BackendKey]:
        """Backends that stay only for the connections they still have."""
        return [BackendKey(name, address) for name, roster in self._rosters.items()
                for address in sorted(roster.removed)]

    def is_draining(self) -> bool:
        """Whether there are any."""
        return any(roster.removed for roster in self._rosters.values())

    def snapshot(self, now: float) -> Snapshot:
        """The state at this moment; the same object as before if nothing changed."""
        for name, roster in self._rosters.items():
            if roster.next_deadline is not None and roster.next_deadline <= now:
                self._changed.add(name)
        before = self._snapshot.services
        services = dict(before)
        for name in sorted(self._changed):
            service = self._rosters[name].judge(now)
            if service is None:
                del self._rosters[name]
                services.pop(name, None)
            else:
                services[name] = service
        self._changed.clear()
        if not _is_same(before, services):
            self._snapshot = Snapshot(self._snapshot.version + 1, services)
        return self._snapshot

    def next_deadline(self) -> float | None:
        """When time alone will change the snapshot: an ejection or a drain ends. None: not at all."""
        return min((r.next_deadline for r in self._rosters.values() if r.next_deadline is not None), default=None)

    def panicking(self) -> list[str]:
        """Services whose checks are ignored because too many backends fail them."""
        return [name for name, roster in self._rosters.items() if roster.is_panicking]


def _is_same(before: Mapping[str, Service], after: Mapping[str, Service]) -> bool:
    return before.keys() == after.keys() and all(after[name] is service for name, service in before.items())
