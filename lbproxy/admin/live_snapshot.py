"""One moment as the page shows it, and what has changed since the moment before. Pure.

Only rows that differ from the moment before are sent. Therefore a row holds times of day, which stay the same while
nothing happens, and never ages.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lbproxy.admin.rates import Growth, Point, point, since
from lbproxy.admin.reading import ProgramReading
from lbproxy.admin.state import BackendRow, ServiceRow, join, program, state_of
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.stats import Histogram

COLUMNS = ("address", "state", "reason", "since", "is_open", "weight", "ends", "reset", "is_ordered", "active",
           "connections", "received", "sent", "retries", "failures")
"""The fields of a backend's row. Milliseconds since 1970: `since` (it is in its state), `ends` (the state does so by
itself), `reset` (what is left of its connections). `is_ordered`: an operator drains it."""
ACTIVE, CONNECTIONS, RECEIVED, SENT, RETRIES = map(COLUMNS.index, (
    "active", "connections", "received", "sent", "retries"))

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ServiceSample:
    """One service: what the page shows in its head, its backends' rows by address, and the totals for its curves."""

    head: Mapping[str, Any]
    rows: Mapping[str, Row]
    accepted: int
    rejected: int
    connect_seconds: Histogram | None

    @property
    def active(self) -> int:
        """Open connections of all its backends."""
        return sum(row[ACTIVE] for row in self.rows.values())


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """All services at one moment."""

    moment: float
    """Seconds, on the monotonic clock."""
    time: int
    """Milliseconds since 1970."""
    program: Mapping[str, Any]
    services: Mapping[str, ServiceSample]


def live_snapshot(reading: ProgramReading, offset: float) -> LiveSnapshot:
    """Make a snapshot of a reading. Seconds of the monotonic clock plus `offset` are the time of day, in seconds."""
    moment = reading.now.monotonic
    services = {row.name: _service(row, offset) for row in join(reading.snapshot, reading.stats)}
    return LiveSnapshot(moment, round(1000 * (moment + offset)), _program(reading, offset), services)


def points(before: LiveSnapshot, after: LiveSnapshot) -> dict[str, Point]:
    """Give the next point of each service's curves; none for a service that is new."""
    seconds = after.moment - before.moment
    return {name: point(after.time, seconds, service.active, _growth(before.services[name], service))
            for name, service in after.services.items() if name in before.services}


def changes(before: LiveSnapshot, after: LiveSnapshot) -> dict[str, Any]:
    """Give what a page that shows `before` needs to show `after`."""
    services = {name: change for name, service in after.services.items()
                if (change := _change(before.services.get(name), service))}
    gone = [name for name in before.services if name not in after.services]
    news: dict[str, Any] = {"services": services, "gone": gone}
    return news if after.program == before.program else {**news, "program": after.program}


def whole(service: ServiceSample) -> dict[str, Any]:
    """Give all of a service, for a page that does not know it."""
    return {"head": service.head, "rows": list(service.rows.values())}


def _change(before: ServiceSample | None, after: ServiceSample) -> dict[str, Any]:
    if before is None:
        return whole(after)
    rows = [row for address, row in after.rows.items() if before.rows.get(address) != row]
    gone = [address for address in before.rows if address not in after.rows]
    change: dict[str, Any] = {"head": after.head} if before.head != after.head else {}
    return change | ({"rows": rows} if rows else {}) | ({"gone": gone} if gone else {})


def _service(service: ServiceRow, offset: float) -> ServiceSample:
    known, stats = service.service, service.stats
    failures: Counter[str] = Counter()
    for backend in service.backends:
        failures.update(backend.stats.failures)
    head = {
        "listens": [str(address) for address in known.listens] if known else [],
        "scheduler": known.policy.scheduler.value if known else None,
        "max_conns": known.policy.max_conns if known else 0,
        "accepted": stats.accepted, "queued": stats.queued,
        "rejected": _some(stats.rejected), "closed": _some(stats.closed), "failures": _some(failures),
    }
    rows = {str(backend.address): _row(backend, offset) for backend in service.backends}
    return ServiceSample(head, rows, stats.accepted, sum(stats.rejected.values()), stats.connect_seconds)


def _row(row: BackendRow, offset: float) -> Row:
    backend, stats = row.backend, row.stats
    standing = (
        backend.reason, _wall(backend.since, offset), backend.is_open, backend.weight, _wall(backend.until, offset),
        _wall(backend.deadline, offset), is_drained_by_operator(backend),
    ) if backend else ("no longer in the table", None, False, 0, None, None, False)
    return (str(row.address), state_of(backend), *standing, stats.active, stats.connections, stats.bytes_received,
            stats.bytes_sent, stats.retries, sum(stats.failures.values()))


def _wall(moment: float | None, offset: float) -> int | None:
    return None if moment is None else round(1000 * (moment + offset))


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    # Dataplanes list every reason they know, most of them with 0: they would double the message.
    return {reason: count for reason, count in counts.items() if count}


def _program(reading: ProgramReading, offset: float) -> dict[str, Any]:
    # Ages (uptime, heartbeats) are left out: they differ in every sample, so the program would be sent each second.
    said = program(reading)
    return {
        "version": said["version"], "dataplane": said["dataplane"], "pid": said["pid"],
        "started": _wall(reading.program.started, offset), "not_ready": said["not_ready"],
        "not_healthy": said["not_healthy"], "trouble": said["trouble"],
        "configuration_refused": said["configuration_refused"], "restarts": said["worker_restarts_total"],
        "workers": [[worker["index"], worker["pid"], worker["is_paused"]] for worker in said["workers"]],
    }


def _growth(before: ServiceSample, after: ServiceSample) -> Growth:
    """What was counted meanwhile. Counts that are smaller than before started again at 0, so they are the growth."""
    received, sent, retries = (_grown(before.rows, after.rows, column) for column in (RECEIVED, SENT, RETRIES))
    return Growth(max(0, after.accepted - before.accepted), received, sent, retries,
                  max(0, after.rejected - before.rejected), since(before.connect_seconds, after.connect_seconds))


def _grown(before: Mapping[str, Row], after: Mapping[str, Row], column: int) -> int:
    pairs = ((before[address][column] if address in before else 0, row[column]) for address, row in after.items())
    return sum(now - then if now >= then else now for then, now in pairs)
