"""The JSON of `/backends` and `/events`. Pure.

`/backends` has what should be (the snapshot) beside what was counted (the stats), by name.
Each side may know something that the other does not: counters outlive membership, and a new backend has none yet.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple, cast

from lbproxy import __version__
from lbproxy.admin.reading import Now, ProgramReading
from lbproxy.admin.schema import BackendShape, EventLogShape, EventShape, ProgramShape, ServiceShape, StateShape, iso
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import BY_OPERATOR, is_drained_by_operator
from lbproxy.model.event_log import Event
from lbproxy.model.snapshot import Backend, BackendKey, Service, Snapshot, State
from lbproxy.model.stats import BackendStats, ServiceStats, Stats
from lbproxy.text.units import format_roughly

REMOVED = "removed"
"""The state of a backend that has left the table and of which the dataplane still has counters."""
STATES = (*(state.value for state in State), REMOVED)


class BackendRow(NamedTuple):
    """One backend; `backend` is None when only its counters are left."""

    address: Address
    backend: Backend | None
    stats: BackendStats


class ServiceRow(NamedTuple):
    """One service; `service` is None when only its counters are left."""

    name: str
    service: Service | None
    stats: ServiceStats
    backends: tuple[BackendRow, ...]


def join(snapshot: Snapshot | None, stats: Stats) -> tuple[ServiceRow, ...]:
    """Give every service and backend that snapshot or stats know; those of the snapshot come first, in its order."""
    return grouped(rows_of(snapshot, stats))


def grouped(rows: Iterable[tuple[ServiceRow, BackendRow | None]]) -> tuple[ServiceRow, ...]:
    """Give each service with its backends, from what `rows_of` gives."""
    joined: list[ServiceRow] = []
    backends: list[BackendRow] = []
    for service, backend in rows:
        if backend is None:
            joined.append(service._replace(backends=tuple(backends)))
            backends = []
        else:
            backends.append(backend)
    return tuple(joined)


def rows_of(snapshot: Snapshot | None, stats: Stats) -> Iterator[tuple[ServiceRow, BackendRow | None]]:
    """Give the same one by one, so that the caller can pause: each service's backends, then the service and None.

    A service's row has no backends here.
    """
    services = snapshot.services if snapshot else {}
    gone = _gone(services, stats)
    for name in dict.fromkeys((*services, *stats.services, *gone)):
        service = services.get(name)
        row = ServiceRow(name, service, stats.services.get(name) or ServiceStats(), ())
        for backend in service.backends if service else ():
            counted = stats.backends.get(BackendKey(name, backend.address))
            yield row, BackendRow(backend.address, backend, counted or BackendStats())
        for key in gone.get(name, ()):
            yield row, BackendRow(key.address, None, stats.backends.get(key) or BackendStats())
        yield row, None


def _gone(services: Mapping[str, Service], stats: Stats) -> dict[str, list[BackendKey]]:
    listed = {BackendKey(name, backend.address) for name, one in services.items() for backend in one.backends}
    gone: dict[str, list[BackendKey]] = {}
    for key in stats.backends:
        if key not in listed:
            gone.setdefault(key.service, []).append(key)
    return gone


def state_of(backend: Backend | None) -> str:
    """Give one of STATES; None is a backend that has left the table."""
    return backend.state.value if backend else REMOVED


def state_pieces(reading: ProgramReading) -> Iterator[str]:
    """Give the answer of `/backends` as pieces of JSON, a backend in each."""
    yield _members(_state_head(reading)) + ',\n"services": ['
    between, first = "\n", True
    for service, backend in rows_of(reading.snapshot, reading.stats):
        if first:
            yield between + _members(_service_head(service)) + ',\n"backends": ['
        if backend is None:
            yield "\n]}"
            between, first = ",\n", True
        else:
            yield ("\n" if first else ",\n") + json.dumps(_backend(backend, reading.now), allow_nan=False)
            first = False
    yield "\n]}\n"


def _members(head: Mapping[str, object]) -> str:
    """Write an object but for its closing brace: a long list follows as its last member."""
    return json.dumps(head, allow_nan=False)[:-1]


def json_bytes(answer: object) -> bytes:
    """Write JSON with indents for people, in ASCII: names come from others and may hold control characters."""
    # NaN is no JSON (RFC 8259), and browsers refuse the whole answer: a failure here is better.
    return json.dumps(answer, indent=1, allow_nan=False).encode() + b"\n"


def state(reading: ProgramReading) -> StateShape:
    """Give the whole answer of `/backends`."""
    return cast("StateShape", {**_state_head(reading), "services": [
        _service(row, reading.now) for row in join(reading.snapshot, reading.stats)]})


def _state_head(reading: ProgramReading) -> dict[str, object]:
    return {"version": reading.snapshot.version if reading.snapshot else None, "time": iso(reading.now.wall),
            "program": program(reading)}


def program(reading: ProgramReading) -> ProgramShape:
    """Give the part about the program: what runs, and what troubles it."""
    return {
        "version": __version__,
        "dataplane": reading.program.dataplane,
        "pid": os.getpid(),
        "uptime_seconds": reading.now.age(reading.program.started),
        "not_ready": reading.not_ready,
        "not_healthy": reading.not_healthy,
        "trouble": reading.program.trouble,
        "configuration_refused": reading.program.refusal or None,
        "workers": [{"index": worker.index, "pid": worker.pid, "descriptors": worker.descriptors,
                     "is_listening": worker.is_listening,
                     "heartbeat_age_seconds": round(worker.heartbeat_age, 3), "is_paused": worker.is_paused}
                    for worker in reading.stats.workers],
        "worker_restarts_total": reading.stats.worker_restarts,
    }


def _service(row: ServiceRow, now: Now) -> ServiceShape:
    return cast("ServiceShape", {**_service_head(row), "backends": [_backend(one, now) for one in row.backends]})


def _service_head(row: ServiceRow) -> dict[str, object]:
    service = row.service
    return {
        "name": row.name,
        "listens": [str(address) for address in service.listens] if service else [],
        "scheduler": service.policy.scheduler.value if service else None,
        "max_conns": service.policy.max_conns if service else None,
        "accepted_total": row.stats.accepted,
        "queued": row.stats.queued,
        "rejected_total": dict(row.stats.rejected),
        "closed_total": dict(row.stats.closed),
    }


def _backend(row: BackendRow, now: Now) -> BackendShape:
    backend, stats = row.backend, row.stats
    # Only a difference of the monotonic clock is certain, so the time of day is computed from it.
    age = now.age(backend.since) if backend else None
    return {
        "address": str(row.address),
        "state": state_of(backend),
        "reason": reason_of(backend, now),
        "for_seconds": age,
        "since": None if age is None else iso(now.wall - timedelta(seconds=age)),
        "is_open": bool(backend and backend.is_open),
        "weight": backend.weight if backend else 0,
        "drain_seconds_left": seconds_left(backend.deadline if backend else None, now),
        "state_seconds_left": seconds_left(backend.until if backend else None, now),
        "is_drained_by_operator": bool(backend and is_drained_by_operator(backend)),
        "active": stats.active,
        "connections_total": stats.connections,
        "bytes_received_total": stats.bytes_received,
        "bytes_sent_total": stats.bytes_sent,
        "retries_total": stats.retries,
        "connect_failures_total": dict(stats.failures),
        "closed_total": dict(stats.closed),
    }


def reason_of(backend: Backend | None, now: Now) -> str:
    """Why it is in its state, and how long an operator's drain still lasts."""
    if backend is None:
        return "no longer in the table"
    if is_drained_by_operator(backend) and backend.until is not None:
        return f"{BY_OPERATOR}, {format_roughly(now.left(backend.until))} left"
    return backend.reason


def seconds_left(moment: float | None, now: Now) -> float | None:
    """Seconds until a moment of the monotonic clock; None without one."""
    return None if moment is None else now.left(moment)


def event_shape(event: Event) -> EventShape:
    """Give one event of the log."""
    return {"number": event.number, "time": iso(event.time), "level": event.level, "kind": event.kind,
            "text": event.text, "service": event.service, "backend": event.backend, "state": event.state,
            "before": event.before, "reason": event.reason}


def event_log_shape(events: Iterable[Event], latest: int) -> EventLogShape:
    """Give the whole answer of `/events`, the oldest event first."""
    return {"latest": latest, "events": [event_shape(event) for event in events]}
